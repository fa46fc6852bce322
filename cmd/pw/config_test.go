// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/config"
)

const noBase = "warning: http.base-url is empty: no mail with a link (registration, password, notification) can be sent\n"
const noHost = "warning: smtp.host is empty: no mail is sent\n"

// inDir changes to an empty directory with the named files.
func inDir(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConfigIsAcceptedByCheck(t *testing.T) {
	inDir(t, nil)
	printed := pw("", nil, "config")
	if printed != pw("", nil, "config", "print") || printed.code != 0 {
		t.Error("config and config print differ")
	}
	if err := os.WriteFile("patchwork.toml", []byte(printed.out), 0o600); err != nil {
		t.Fatal(err)
	}
	checked := outcome{0, "read patchwork.toml\n" + noBase + noHost + "65 keys are set; no mistakes\n", ""}
	want(t, pw("", nil, "config", "check"), checked)
	want(t, pw("", nil, "config", "check", "patchwork.toml"), checked)
	want(t, pw("", nil, "config", "check", "--config", "patchwork.toml"), checked)
}

func TestConfigCheck(t *testing.T) {
	inDir(t, map[string]string{
		"good.toml":      "[http]\nbase-url = 'https://pw.example.org'\n[smtp]\nhost = 'localhost'\nfrom = 'pw@example.org'\n",
		"patchwork.toml": "[http]\nlisten = 'x'\nlisen = ':1'\n",
	})
	want(t, pw("", nil, "config", "check", "good.toml"), outcome{0, "read good.toml\n3 keys are set; no mistakes\n", ""})
	want(t, pw("", []string{"PW_LOG_LEVEL=debug"}, "config", "check", "good.toml", "--http-api=false"),
		outcome{0, "read good.toml\nset by --http-api\nset by PW_LOG_LEVEL\n5 keys are set; no mistakes\n", ""})
	want(t, pw("", []string{"PW_LOG_LEVL=debug"}, "config", "check"), outcome{78, "read patchwork.toml\n",
		"pw: patchwork.toml:2: http.listen can't be \"x\"; want host:port such as 127.0.0.1:8080\n" +
			"pw: patchwork.toml:3: unknown key \"http.lisen\"; did you mean \"http.listen\"?\n" +
			"pw: environment: unknown variable PW_LOG_LEVL; did you mean \"PW_LOG_LEVEL\"?\n"})
	want(t, pw("", nil, "config", "check", "gone.toml"), outcome{78, "no file read\n", "pw: gone.toml: can't be read: no such file or directory\n"})
}

func TestConfigCheckWithoutAnything(t *testing.T) {
	inDir(t, nil)
	want(t, pw("", nil, "config", "check"), outcome{0, "no file read\n" + noBase + noHost + "0 keys are set; no mistakes\n", ""})
}

func TestConfigCurrent(t *testing.T) {
	inDir(t, map[string]string{"patchwork.toml": "[http]\nlisten = ':1'\n[smtp]\nuser = 'pw'\n"})
	got := pw("", []string{"PW_SMTP_PASSWORD=s3cret"}, "config", "--current", "--http-api=false")
	for _, text := range []string{
		"# (patchwork.toml:2)\nlisten = \":1\"\n", "# (--http-api)\napi = false\n", "# (PW_SMTP_PASSWORD)\npassword = \"REDACTED\"\n",
		"# (default)\nweb-page-size = 100\n",
	} {
		if !strings.Contains(got.out, text) {
			t.Errorf("not printed: %q", text)
		}
	}
	if got.code != 0 || strings.Contains(got.out, "s3cret") {
		t.Errorf("exit %d\n%s", got.code, got.out)
	}
	if got := pw("", []string{"PW_HTTP_API=x"}, "config", "print", "--current"); got.code != 78 || got.out != "" {
		t.Errorf("with a mistake: %+v", got)
	}
}

func TestConfigKeys(t *testing.T) {
	table := pw("", nil, "config", "keys")
	row := regexp.MustCompile(`(?m)^http\.web-page-size +PW_HTTP_WEB_PAGE_SIZE +--http-web-page-size +100$`)
	if !row.MatchString(table.out) {
		t.Errorf("table:\n%s", table.out)
	}
	var keys []struct {
		Key, Env, Flag, Default, Accepts, Help string
		Secret                                 bool
	}
	if err := json.Unmarshal([]byte(pw("", nil, "config", "keys", "--json").out), &keys); err != nil {
		t.Fatal(err)
	}
	all := config.Keys()
	if len(keys) != len(all) || strings.Count(table.out, "\n") != len(all)+1 {
		t.Fatalf("%d keys in JSON, %d lines, want %d", len(keys), strings.Count(table.out, "\n"), len(all))
	}
	for i, k := range keys {
		if k.Key != all[i].Name || k.Env != all[i].Env() || k.Flag != "--"+all[i].Flag() || k.Default != all[i].Default || k.Help == "" || k.Accepts == "" {
			t.Errorf("%+v", k)
		}
		secret := slices.Contains([]string{"smtp.password", "database.url", "ingress.imap-password", "ingress.mailgun-key"}, k.Key)
		if k.Secret != secret {
			t.Errorf("%s: secret is %v", k.Key, k.Secret)
		}
	}
}

func TestConfigURL(t *testing.T) {
	tests := []struct{ name, input, args, want string }{
		{"nothing said", "", "", "sqlite:data/patchwork.db"},
		{"all asked, in one pipe", "postgres\ndb.example.org\n5433\npatch work\nme@x\n p:/@s%s \nrequire\n", "",
			"postgres://me%40x:%20p%3A%2F%40s%25s%20@db.example.org:5433/patch%20work?sslmode=require"},
		{"defaults", "postgres\n\n\n\n\nsecret\n\n", "", "postgres://patchwork:secret@localhost:5432/patchwork"},
		{"Windows lines, no last newline", "mariadb\r\n::1\r\n\r\n\r\n\r\npw", "", "mariadb://patchwork:pw@[::1]:3306/patchwork"},
		{"flags are not asked", "pass\n", "--engine=mariadb --host=h --port=1 --database=d --user=u --tls=true", "mariadb://u:pass@h:1/d?tls=true"},
		{"only the password", "pass\n", "--engine=postgres --host=h --sslmode=verify-full --password-stdin", "postgres://patchwork:pass@h:5432/patchwork?sslmode=verify-full"},
		{"sockets", "postgres\n/run/postgresql\n\n\n\n", "", "postgres://patchwork@/patchwork?host=%2Frun%2Fpostgresql"},
		{"socket of MariaDB", "\n", "--engine=mariadb --host=/run/m.sock --database=d --user=u", "mariadb://u@/d?socket=%2Frun%2Fm.sock"},
		{"absolute file", "sqlite\n/srv/p w.db\n", "", "sqlite:///srv/p w.db"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := pw(tt.input, nil, append([]string{"config", "url"}, strings.Fields(tt.args)...)...)
			want(t, got, outcome{0, tt.want + "\n\n[database]\nurl = \"" + tt.want + "\"\n", ""})
		})
	}
}

func TestConfigURLRefuses(t *testing.T) {
	tests := []struct{ input, args, want string }{
		{"oracle\n", "", `engine "oracle" is none of sqlite, postgres, mariadb`},
		{"", "--engine=x", `engine "x" is none of sqlite, postgres, mariadb`},
		{"postgres\na/b\n", "", `host "a/b" is neither a host name, an IP address nor the path of a socket`},
		{"postgres\n\n70000\n", "", `port "70000" is not a number from 1 to 65535`},
		{"\n", "--engine=postgres --host=h --port=1 --database= --user=u", "the database needs a name"},
		{"postgres\n\n\n\n\n\nmaybe\n", "", `sslmode "maybe" is none of disable, allow, prefer, require, verify-ca, verify-full`},
		{"", "--engine=sqlite --file=dir/", "sqlite: needs the path of a file: sqlite:data/patchwork.db"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			got := pw(tt.input, nil, append([]string{"config", "url"}, strings.Fields(tt.args)...)...)
			want(t, got, outcome{65, "", "pw: " + tt.want + "\n"})
		})
	}
}
