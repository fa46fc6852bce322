// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
)

func TestPrintList(t *testing.T) {
	header := []string{"id", "list_id", "active", "names", "since"}
	rows := [][]any{
		{7, "a.example.org", true, []string{"Ann", "Bob"}, clock.Time(0)},
		{123, "Jörg <\x1b[31m> & \"co\"", false, []string(nil), nil},
	}
	tests := []struct {
		name   string
		asJSON bool
		rows   [][]any
		want   string
	}{
		{"table", false, rows, "" +
			"ID   LIST ID              ACTIVE  NAMES     SINCE\n" +
			"7    a.example.org        yes     Ann, Bob  1970-01-01T00:00:00.000000Z\n" +
			"123  Jörg <\uFFFD[31m> & \"co\"  no      -         -\n"},
		{"empty table", false, nil, "ID  LIST ID  ACTIVE  NAMES  SINCE\n"},
		{"JSON", true, rows, `[
  {"id": 7, "list_id": "a.example.org", "active": true, "names": ["Ann","Bob"], "since": "1970-01-01T00:00:00.000000Z"},
  {"id": 123, "list_id": "Jörg <\u001b[31m> & \"co\"", "active": false, "names": [], "since": null}
]
`},
		{"empty JSON", true, nil, "[]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := printList(&b, tt.asJSON, header, tt.rows); err != nil || b.String() != tt.want {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, b.String(), tt.want)
			}
		})
	}
	if err := printList(&bytes.Buffer{}, true, []string{"f"}, [][]any{{func() {}}}); err == nil || !strings.Contains(err.Error(), "print f: ") {
		t.Errorf("a value that is no JSON: %v", err)
	}
}

func TestReadHidden(t *testing.T) {
	tests := []struct{ typed, want, rest string }{
		{"secret\rnext", "secret", "next"},
		{"sex\x7f\x08cret\n", "scret", ""},
		{"aö\x7fb\r", "ab", ""},
		{"\x7f\x7fa\r", "a", ""},
		{"wrong\x15right\r", "right", ""},
		{" a b \r", " a b ", ""},
		{"end\x04", "end", ""},
		{"eof", "eof", ""},
	}
	for _, tt := range tests {
		in := bufio.NewReader(strings.NewReader(tt.typed))
		got, err := readHidden(in)
		rest, _ := in.ReadString(0)
		if err != nil || got != tt.want || rest != tt.rest {
			t.Errorf("%q: got %q %v and %q left, want %q and %q", tt.typed, got, err, rest, tt.want, tt.rest)
		}
	}
	if _, err := readHidden(strings.NewReader("abc\x03d\r")); !errors.Is(err, errInterrupted) {
		t.Errorf("interrupt: %v", err)
	}
}

func TestManual(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "man")
	got := pw("", nil, "man", dir)
	pages := map[string]string{}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		pages[f.Name()] = string(text)
	}
	commands := 0
	everyCommand(t, func(cmd *cobra.Command) {
		if cmd.IsAdditionalHelpTopicCommand() {
			return
		}
		commands++
		page := pages[strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"]
		for _, part := range []string{".TH ", ".SH NAME\n", escapeRoff(cmd.Short), ".SH SYNOPSIS\n.B pw", ".SH DESCRIPTION\n", ".SH EXAMPLES\n", ".SH SEE ALSO\n"} {
			if !strings.Contains(page, part) {
				t.Errorf("the page of %s lacks %q", cmd.CommandPath(), part)
			}
		}
	})
	if len(pages) != commands+1 {
		t.Errorf("%d pages, want one for each of %d commands and patchwork.toml.5", len(pages), commands)
	}
	for _, k := range config.Keys() {
		if !strings.Contains(pages["patchwork.toml.5"], "\n.B "+escapeRoff(k.Name)+"\n") {
			t.Errorf("patchwork.toml.5 lacks %s", k.Name)
		}
	}
	if got.code != 0 || !strings.HasSuffix(got.out, " pages in "+dir+"\n") {
		t.Errorf("%+v", got)
	}
	if got := pw("", nil, "man", "/dev/null/x"); got.code != 70 || !strings.HasPrefix(got.err, "pw: write the manual pages: mkdir /dev/null: ") {
		t.Errorf("into a file: %+v", got)
	}
}

func TestEscapeRoff(t *testing.T) {
	tests := []struct{ in, want string }{
		{`--a-b`, `\-\-a\-b`}, {`.PP`, `\&.PP`}, {`'x' "y" \n`, `\(aqx\(aq \(dqy\(dq \en`}, {`a…~^`, `a...\(ti\(ha`},
	}
	for _, tt := range tests {
		if got := escapeRoff(tt.in); got != tt.want {
			t.Errorf("escapeRoff(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
