// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
)

// outcome is what a user sees of one command line.
type outcome struct {
	code     int
	out, err string
}

// pw runs a command line in an environment of its own; the only file looked for is patchwork.toml in the working directory.
func pw(input string, env []string, args ...string) outcome {
	var out, errs bytes.Buffer
	c := &cli{in: strings.NewReader(input), out: &out, err: &errs, environ: env, files: []config.File{{Path: "patchwork.toml"}}}
	code := c.run(append([]string{}, args...)) // of none cobra would take those of the test
	return outcome{code, out.String(), errs.String()}
}

func want(t *testing.T, got, want outcome) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func everyCommand(t *testing.T, f func(cmd *cobra.Command)) {
	t.Helper()
	n := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		n++
		f(cmd)
		for _, child := range cmd.Commands() {
			walk(child)
		}
	}
	walk(newRoot(&cli{}))
	if n < 10 {
		t.Fatalf("only %d commands found", n)
	}
}

func TestEveryCommandIsExplained(t *testing.T) {
	everyCommand(t, func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || len(cmd.Short) > 76 {
			t.Errorf("%s: the short text %q is missing, long or a sentence", path, cmd.Short)
		}
		if len(cmd.Long) <= len(cmd.Short) {
			t.Errorf("%s: no long text", path)
		}
		if cmd.IsAdditionalHelpTopicCommand() {
			return
		}
		if !strings.Contains(cmd.Example, "pw ") {
			t.Errorf("%s: no example", path)
		}
		if cmd.HasParent() && !cmd.Parent().HasParent() && cmd.GroupID == "" && cmd.Name() != "help" {
			t.Errorf("%s: in no group", path)
		}
		got := pw("", nil, append(strings.Fields(path)[1:], "--help")...)
		for _, text := range []string{firstLine(cmd.Long), "\nUsage:\n  " + path, "\nExamples:\n" + firstLine(cmd.Example)} {
			if !strings.Contains(got.out, text) {
				t.Errorf("%s --help lacks %q", path, text)
			}
		}
		for line := range strings.Lines(got.out) {
			if n := len([]rune(line)); n > 110 {
				t.Errorf("%s --help: a line of %d characters: %s", path, n, line)
			}
		}
		if got.code != 0 || got.err != "" {
			t.Errorf("%s --help: exit %d, %s", path, got.code, got.err)
		}
	})
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// TestExamplesCanBeTyped finds each pw in the examples and parses its command, flags and arguments.
func TestExamplesCanBeTyped(t *testing.T) {
	everyCommand(t, func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			for part := range strings.SplitSeq(strings.ReplaceAll(line, "||", "&&"), "&&") {
				words := shellWords(part)
				if len(words) == 0 || words[0] != "pw" {
					continue
				}
				if err := typed(words[1:]); err != nil {
					t.Errorf("%s: example %q: %v", cmd.CommandPath(), strings.TrimSpace(part), err)
				}
			}
		}
	})
}

// shellWords cuts a line at blanks that no quotes enclose.
func shellWords(line string) (words []string) {
	quote, word, any := rune(0), "", false
	for _, r := range line + " " {
		switch {
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, any = r, true
		case quote == 0 && unicode.IsSpace(r):
			if any || word != "" {
				words = append(words, word)
			}
			word, any = "", false
		default:
			word += string(r)
		}
	}
	return words
}

func typed(words []string) error {
	for i, w := range words {
		if w == "|" || w == ">" || w == "<" || strings.HasPrefix(w, "#") {
			words = words[:i]
			break
		}
	}
	cmd, rest, err := newRoot(&cli{}).Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

func TestUsageErrors(t *testing.T) {
	tests := []struct{ args, want string }{
		{"confg", "pw: \"pw\" has no command \"confg\"; did you mean \"config\"?\nRun 'pw --help' for usage.\n"},
		{"xyzzy create --name x", "pw: \"pw\" has no command \"xyzzy\"\nRun 'pw --help' for usage.\n"},
		{"config chek", "pw: \"pw config\" has no command \"chek\"; did you mean \"check\"?\nRun 'pw config --help' for usage.\n"},
		{"completion nushell", "pw: \"pw completion\" has no command \"nushell\"\nRun 'pw completion --help' for usage.\n"},
		{"config keys x", "pw: \"pw config keys\" takes no argument such as \"x\"\nRun 'pw config keys --help' for usage.\n"},
		{"config keys --jsn", "pw: unknown flag: --jsn\nRun 'pw config keys --help' for usage.\n"},
		{"man", "pw: wrong number of arguments; write \"pw man DIR\"\nRun 'pw man --help' for usage.\n"},
		{"help confg", "pw: \"pw\" has no command \"confg\"; did you mean \"config\"?\nRun 'pw help --help' for usage.\n"},
		{"config url --tls true --sslmode require", "pw: if any flags in the group [sslmode tls] are set none of the others can be; [sslmode tls] were all set\nRun 'pw config url --help' for usage.\n"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			want(t, pw("", nil, strings.Fields(tt.args)...), outcome{64, "", tt.want})
		})
	}
}

func TestHelp(t *testing.T) {
	bare, flag, command := pw("", nil), pw("", nil, "--help"), pw("", nil, "help")
	if bare != flag || flag != command || flag.code != 0 {
		t.Error("pw, pw --help and pw help differ")
	}
	if strings.Contains(flag.out, "--http-listen") || !strings.Contains(flag.out, "pw help config-flags") {
		t.Errorf("the flags of keys belong into their own topic:\n%s", flag.out)
	}
	topic := pw("", nil, "help", "config-flags")
	for _, k := range config.Keys() {
		if !strings.Contains(topic.out, "\n--"+k.Flag()) || !strings.Contains(topic.out, k.Env()+",") {
			t.Errorf("help config-flags lacks %s", k.Name)
		}
	}
	if got := pw("", nil, "help", "exit-status"); got.out != exitStatus {
		t.Errorf("help exit-status = %q", got.out)
	}
	if got := pw("", nil, "help", "config", "check"); got != pw("", nil, "config", "check", "--help") {
		t.Error("help config check and config check --help differ")
	}
}

func TestCompletion(t *testing.T) {
	if got := pw("", nil, "completion", "bash"); got.code != 0 || !strings.Contains(got.out, "__start_pw") {
		t.Errorf("completion bash: %+v", got)
	}
	got := pw("", nil, "__complete", "help", "config", "c")
	if !strings.HasPrefix(got.out, "check\tLook for mistakes in the configuration\n:4\n") {
		t.Errorf("completing help config c: %s", got.out)
	}
}

func TestVersion(t *testing.T) {
	if got := pw("", nil, "--version"); got.code != 0 || !strings.HasPrefix(got.out, "pw ") || !strings.Contains(got.out, " (go1.") {
		t.Errorf("--version: %+v", got)
	}
	setting := func(kv ...string) (s []debug.BuildSetting) {
		for i := 0; i < len(kv); i += 2 {
			s = append(s, debug.BuildSetting{Key: kv[i], Value: kv[i+1]})
		}
		return s
	}
	tests := []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{Main: debug.Module{Version: "v4.0.1"}}, "v4.0.1"},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "devel"},
		{debug.BuildInfo{Settings: setting("vcs.revision", "0123456789abcdef", "vcs.modified", "true")}, "devel-0123456789ab+changes"},
		{debug.BuildInfo{Settings: setting("vcs.revision", "0123", "vcs.modified", "false")}, "devel-0123"},
	}
	for _, tt := range tests {
		if got := builtVersion(&tt.info); got != tt.want {
			t.Errorf("builtVersion(%+v) = %s, want %s", tt.info, got, tt.want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{errors.New("bug"), 70},
		{fmt.Errorf("show: %w", fault.New(fault.NotFound, "no")), 66},
		{context.DeadlineExceeded, 75},
		{fmt.Errorf("start: %w", configError{fault.New(fault.Invalid, "x")}), 78},
		{fmt.Errorf("ask: %w", errInterrupted), 130},
	}
	for _, tt := range tests {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("exitCode(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

// TestInterruptedExit: after a signal, what may have come of it is an interrupt, and what lies in the question is not. A mail server is always told to try again.
func TestInterruptedExit(t *testing.T) {
	lost := fault.New(fault.Unavailable, "the database does not answer")
	for _, tt := range []struct {
		err  error
		want int
	}{
		{fmt.Errorf("read: %w", fault.Wrap(fault.Unavailable, context.Canceled, "database")), 130},
		{lost, 130},
		{errors.New("git: signal: killed"), 130},
		{errInterrupted, 130},
		{fault.New(fault.NotFound, "no project"), 66},
		{finding{fault.New(fault.Conflict, "a finding")}, 1},
		{configError{fault.New(fault.Invalid, "x")}, 78},
		{ingressFlags{stdin: true}.retried(fmt.Errorf("store: %w", context.Canceled)), 75},
		{ingressFlags{stdin: true}.retried(lost), 75},
		{ingressFlags{mbox: true}.retried(lost), 130},
	} {
		if got := exitCode(interrupted(tt.err)); got != tt.want {
			t.Errorf("%v: exit %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestLoadConfig(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "my.toml")
	if err := os.WriteFile(path, []byte("[http]\nlisten = ':1'\napi-page-size = 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(args ...string) (*config.Config, error) {
		c := &cli{environ: []string{"PW_HTTP_LISTEN=:2", "PW_HTTP_ADMINS=z@example.org"}, files: []config.File{{Path: "/nowhere", Required: true}}}
		cmd, rest, err := newRoot(c).Find(append([]string{"config", "keys", "--config", path}, args...))
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.ParseFlags(rest); err != nil {
			t.Fatal(err)
		}
		return c.loadConfig(cmd)
	}
	got, err := load("--http-listen", ":3", "-S", "--http-api=no", "--http-admins", "a@example.org", "--http-admins", "b@example.org, c@example.org")
	if err != nil {
		t.Fatal(err)
	}
	h := got.HTTP
	if h.Listen != ":3" || h.APIPageSize != 7 || !got.Syslog || h.API || len(h.Admins) != 3 || h.Admins[2].Address != "c@example.org" {
		t.Errorf("got %+v", h)
	}
	if _, err := load("--http-listen", "x"); exitCode(err) != 78 || !strings.HasPrefix(err.Error(), "--http-listen: http.listen can't be \"x\"; want ") {
		t.Errorf("error %v", err)
	}
}
