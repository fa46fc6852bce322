// SPDX-License-Identifier: GPL-2.0-or-later

package config_test

import (
	"log/slog"
	"net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
)

// inDir runs the test in a directory that holds patchwork.toml with the text.
func inDir(t *testing.T, text string) config.Sources {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, "patchwork.toml", text)
	return config.Sources{Files: []config.File{{Path: "patchwork.toml"}}}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDefaults(t *testing.T) {
	want := &config.Config{
		Log:      config.Log{Level: slog.LevelInfo, Format: "text"},
		Database: config.Database{URL: "sqlite:data/patchwork.db", MaxConnections: 20},
		Ingress: config.Ingress{Listen: "127.0.0.1:2525", UnknownList: "keep", MaxConnections: 100, MaxConnectionsPerAddress: 50,
			Timeout: 5 * time.Minute, PublicInboxCache: "data/public-inbox", PollInterval: 5 * time.Minute},
		HTTP: config.HTTP{
			Listen: "127.0.0.1:8080", SlowRequest: time.Second, SlowQuery: 200 * time.Millisecond,
			WebPageSize: 100, WebPageMax: 500, APIPageSize: 30, APIPageMax: 250, API: true, LegacyRedirects: true,
		},
		SMTP:    config.SMTP{Encryption: "none", Port: 25, Keep: 720 * time.Hour},
		Account: config.Account{Registration: true, ConfirmationDays: 7},
		Notify:  config.Notify{Delay: 10 * time.Minute},
		Webhook: config.Webhook{KeepDeliveries: 30 * 24 * time.Hour},
		Limits: config.Limits{
			MailSize: 52428800, MailMemory: 134217728, MailSpool: 1073741824, Recipients: 100, LineLength: 1048576,
			BatchMails: 256, BatchWait: 5 * time.Millisecond, ImportMailSize: 104857600,
		},
	}
	if !reflect.DeepEqual(config.Default(), want) {
		t.Errorf("Default() = %+v\nwant %+v", config.Default(), want)
	}
	loaded, err := config.Load(config.Sources{})
	if err != nil || !reflect.DeepEqual(loaded.Config, want) {
		t.Errorf("Load of nothing = %+v, %v", loaded.Config, err)
	}
}

func TestEveryTypeFromAFile(t *testing.T) {
	src := inDir(t, `
syslog = true
account.confirmation-days = 3   # dotted

[log]
level = "debug"
format = "json"

[database]
url = "postgres://pw:s3cret@db/patchwork"
event-max-age = "30d"

[http]
base-url = "https://pw.example.org/"
slow-request = "1m30s"
slow-query = 0
admins = ["Ann Lee <ann@example.org>", '"Lee, Bob" <bob@example.org>', "eve@example.org"]
trusted-proxies = ["10.1.2.3/8", "::1"]
footer-html = '''
<p>"us"</p>'''

[smtp]
from = "Jörg <j@example.org>"

[limits]
mail-size = "2MB"
line-length = 4096
batch-wait = "1s"
`)
	src.Files[0].Required = true
	loaded, err := config.Load(src)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Syslog, want.Account.ConfirmationDays = true, 3
	want.Database.URL, want.Database.EventMaxAge = "postgres://pw:s3cret@db/patchwork", 720*time.Hour
	want.Log = config.Log{Level: slog.LevelDebug, Format: "json"}
	want.HTTP.BaseURL = "https://pw.example.org"
	want.HTTP.SlowRequest, want.HTTP.SlowQuery = 90*time.Second, 0
	want.HTTP.Admins = []mail.Address{{Name: "Ann Lee", Address: "ann@example.org"},
		{Name: "Lee, Bob", Address: "bob@example.org"}, {Address: "eve@example.org"}}
	want.HTTP.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	want.HTTP.FooterHTML = `<p>"us"</p>`
	want.SMTP.From = mail.Address{Name: "Jörg", Address: "j@example.org"}
	want.Notify.From = want.SMTP.From // not set: that of [smtp]
	want.Limits.MailSize, want.Limits.LineLength, want.Limits.BatchWait = 2_000_000, 4096, time.Second
	if !reflect.DeepEqual(loaded.Config, want) {
		t.Errorf("got  %+v\nwant %+v", loaded.Config, want)
	}
	if got := loaded.Origin["http.slow-query"]; got != "patchwork.toml:16" {
		t.Errorf("origin of http.slow-query = %q, want patchwork.toml:16", got)
	}
}

func TestAllMistakesOfAFileAreReported(t *testing.T) {
	src := inDir(t, `syslog = "yes"
lisen = "127.0.0.1:1"
account.registration = 1

[http]
lisen = "127.0.0.1:8080"
listen = "8080"
base_url = "https://x"
base-url = "pw.example.org"
web-page-size = "100"
web-page-max = 0
admins = ["nobody", 7]
trusted-proxies = ["10.0.0.0/40"]
slow-request = 2
slow-query = "fast"

[htpp]
listen = "x"

[[smtp]]
user = "x"

[smtp.host]
name = "x"

[log]
level = "loud"
format = "xml"

[database]
url = "mongodb://root:s3cret@h/db"
event-max-age = "-3d"

[limits]
mail-size = "50TB"
batch-wait = "5m"
recipients = 9999999
nonsense = { a = 1 }
`)
	want := []string{
		`patchwork.toml:1: syslog can't be "yes"; want true or false`,
		`patchwork.toml:2: unknown key "lisen"`,
		`patchwork.toml:3: account.registration can't be 1; want true or false`,
		`patchwork.toml:6: unknown key "http.lisen"; did you mean "http.listen"?`,
		`patchwork.toml:7: http.listen can't be "8080"; want host:port such as 127.0.0.1:8080`,
		`patchwork.toml:8: unknown key "http.base_url"; did you mean "http.base-url"?`,
		`patchwork.toml:9: http.base-url can't be "pw.example.org"; want an address such as https://patchwork.example.org, without user, query and fragment`,
		`patchwork.toml:10: http.web-page-size can't be "100"; want a whole number from 1 to 10000`,
		`patchwork.toml:11: http.web-page-max can't be 0; want a whole number from 1 to 10000`,
		`patchwork.toml:12: http.admins can't be ["nobody", 7]; want a list of mail addresses such as Ann Lee <ann@example.org>`,
		`patchwork.toml:13: http.trusted-proxies can't be ["10.0.0.0/40"]; want a list of networks such as "10.0.0.0/8" or "::1"`,
		`patchwork.toml:14: http.slow-request can't be 2; want a duration such as "30d", "12h" or "500ms"`,
		`patchwork.toml:15: http.slow-query can't be "fast"; want a duration such as "30d", "12h" or "500ms"`,
		`patchwork.toml:17: unknown section "htpp"; did you mean "http"?`,
		`patchwork.toml:20: write [smtp], not [[smtp]]`,
		`patchwork.toml:23: "smtp.host" is a key, not a section`,
		`patchwork.toml:27: log.level can't be "loud"; want one of debug, info, warn, error`,
		`patchwork.toml:28: log.format can't be "xml"; want one of text, json`,
		`patchwork.toml:31: database.url is not accepted; want sqlite:PATH, postgres://… or mariadb://… with special characters percent-encoded ("pw config url" writes it)`,
		`patchwork.toml:32: database.event-max-age can't be "-3d"; want a duration such as "30d", "12h" or "500ms"`,
		`patchwork.toml:35: limits.mail-size can't be "50TB"; want a size from 64KiB to 1GiB such as "50MiB", or a number of bytes`,
		`patchwork.toml:36: limits.batch-wait can't be "5m"; want a duration up to 1s`,
		`patchwork.toml:37: limits.recipients can't be 9999999; want a whole number from 1 to 10000`,
		`patchwork.toml:38: unknown key "limits.nonsense.a"`,
	}
	wantErrors(t, src, want...)
}

func wantErrors(t *testing.T, src config.Sources, want ...string) {
	t.Helper()
	_, err := config.Load(src)
	if err == nil {
		t.Fatal("Load found no mistake")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if got := fault.KindOf(err); got != fault.Invalid {
		t.Errorf("kind %v, want invalid", got)
	}
}

func TestOneMistake(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"syntax", "[http]\nlisten = \"127.0.0.1:1\"\napi = maybe\n", "patchwork.toml:3: "},
		{"twice", "[http]\napi = true\n\napi = false\n", "patchwork.toml:4: "},
		{"section as key", "http = 1\n", `patchwork.toml:1: "http" is a section, not a key; write [http] and its keys below`},
		{"misplaced", "\nbase-url = 'x'\n", `patchwork.toml:2: unknown key "base-url"; did you mean "http.base-url"?`},
		{"swapped letters", "[limits]\nrecipeints = 3\n", `patchwork.toml:2: unknown key "limits.recipeints"; did you mean "limits.recipients"?`},
		{"nothing like it", "[http]\nxylophone = 3\n", `patchwork.toml:2: unknown key "http.xylophone"`},
		{"page above maximum", "[http]\nweb-page-size = 600\n",
			"patchwork.toml:2: http.web-page-size is 600, more than http.web-page-max, which is 500 (default)"},
		{"maximum below page", "[http]\n\napi-page-max = 20\n",
			"default: http.api-page-size is 30, more than http.api-page-max, which is 20 (patchwork.toml:3)"},
		{"mail above memory", "[limits]\nmail-memory = '1MiB'\n",
			"default: limits.mail-size is 52428800, more than limits.mail-memory, which is 1048576 (patchwork.toml:2)"},
		{"key without certificate", "[ingress]\ntls-key = 'key.pem'\n",
			"only one of ingress.tls-cert and ingress.tls-key is set; STARTTLS needs both"},
		{"no timeout", "[ingress]\ntimeout = 0\n", `patchwork.toml:2: ingress.timeout can't be 0; want a duration from 1s to 1d`},
		{"recipient without host", "[ingress]\nrecipients = ['patches']\n",
			`patchwork.toml:2: ingress.recipients can't be ["patches"]; want a list of addresses such as "patches@example.org" or "*@lists.example.org"`},
		{"inline table", "http = { api = false, lisen = ':1' }\n", `patchwork.toml:1: unknown key "http.lisen"; did you mean "http.listen"?`},
		{"placeholder", "[smtp]\npassword = 'REDACTED'\n",
			`patchwork.toml:2: smtp.password holds REDACTED, which "pw config --current" writes in place of a password; write the password there`},
		{"placeholder in URL", "[database]\nurl = 'mariadb://pw:REDACTED@db/patchwork'\n",
			`patchwork.toml:2: database.url holds REDACTED, which "pw config --current" writes in place of a password; write the password there`},
		{"socket for the web", "[http]\nlisten = '/run/pw.sock'\n",
			`patchwork.toml:2: http.listen can't be "/run/pw.sock"; want host:port such as 127.0.0.1:8080`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(inDir(t, tt.file))
			if err == nil {
				t.Fatal("no error")
			}
			got := err.Error()
			exact := !strings.HasSuffix(tt.want, ": ") // of TOML syntax only the place is ours
			if exact && got != tt.want || !strings.HasPrefix(got, tt.want) || strings.Contains(got, "\n") {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestEnvironmentMistakes(t *testing.T) {
	src := config.Sources{
		Env: []string{"PATH=/bin", "PW_HTTP_LISEN=:1", "PW_HTTP_API=maybe", "PW_SMTP_PASSWORD=REDACTED",
			"PW_SHARED=none", "PW_TEST_POSTGRES=x", "PW_XYLOPHONE=1", "PW_SMTP_PORT="},
		Flags: map[string]string{"http.web-page-max": "many", "http.listn": ":1"},
	}
	wantErrors(t, src,
		`environment: unknown variable PW_HTTP_LISEN; did you mean "PW_HTTP_LISTEN"?`,
		`PW_HTTP_API: http.api can't be "maybe"; want true or false`,
		`PW_SMTP_PASSWORD: smtp.password holds REDACTED, which "pw config --current" writes in place of a password; write the password there`,
		`environment: unknown variable PW_XYLOPHONE`,
		`PW_SMTP_PORT: smtp.port can't be ""; want a whole number from 1 to 65535`,
		`flags: unknown key "http.listn"; did you mean "http.listen"?`,
		`--http-web-page-max: http.web-page-max can't be "many"; want a whole number from 1 to 10000`,
	)
}

func TestSecretsNeverStandInErrors(t *testing.T) {
	for _, url := range []string{"postgres://pw:s3cret/x@db/patchwork", "postgres://pw:s3cr%zzet@db/patchwork", "oracle://pw:s3cret@db/x", "postgres://pw:s3cret@db"} {
		_, err := config.Load(config.Sources{Env: []string{"PW_DATABASE_URL=" + url}})
		if err == nil || strings.Contains(err.Error(), "s3cr") {
			t.Errorf("%s: error %v", url, err)
		}
	}
}

func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "a.toml"), filepath.Join(dir, "b.toml")
	write(t, first, "[http]\nlisten = ':1'\nweb-page-size = 1\napi-page-size = 1\nslow-query = '1s'\n")
	write(t, second, "[http]\nweb-page-size = 2\napi-page-size = 2\nslow-query = '2s'\n")
	loaded, err := config.Load(config.Sources{
		Files: []config.File{{Path: first}, {Path: filepath.Join(dir, "missing.toml")}, {Path: second}},
		Env:   []string{"PW_HTTP_API_PAGE_SIZE=3", "PW_HTTP_SLOW_QUERY=3s", "PW_HTTP_ADMINS=\"Lee, Bob\" <b@example.org>, a@example.org"},
		Flags: map[string]string{"http.slow-query": "4s", "syslog": "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := loaded.Config.HTTP
	if h.Listen != ":1" || h.WebPageSize != 2 || h.APIPageSize != 3 || h.SlowQuery != 4*time.Second || !loaded.Config.Syslog {
		t.Errorf("got %+v, want the last source of each key", h)
	}
	if len(h.Admins) != 2 || h.Admins[0].Name != "Lee, Bob" {
		t.Errorf("admins = %v", h.Admins)
	}
	if diff := cmp.Diff([]string{first, second}, loaded.Files); diff != "" {
		t.Errorf("files read (-want +got):\n%s", diff)
	}
	wantOrigin := map[string]string{
		"http.listen": first + ":2", "http.web-page-size": second + ":2", "http.api-page-size": "PW_HTTP_API_PAGE_SIZE",
		"http.slow-query": "--http-slow-query", "http.admins": "PW_HTTP_ADMINS", "syslog": "--syslog",
	}
	if diff := cmp.Diff(wantOrigin, loaded.Origin); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
}

func TestFiles(t *testing.T) {
	got := config.StandardFiles([]string{"HOME=/root", "PATCHWORK_TOML=/srv/pw.toml"})
	want := []config.File{{Path: "/etc/patchwork.toml"}, {Path: "patchwork.toml"}, {Path: "/srv/pw.toml", Required: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("StandardFiles (-want +got):\n%s", diff)
	}
	if got := config.StandardFiles([]string{"PATCHWORK_TOML="}); len(got) != 2 {
		t.Errorf("an empty PATCHWORK_TOML gives %v", got)
	}
	t.Chdir(t.TempDir())
	wantErrors(t, config.Sources{Files: []config.File{{Path: "gone.toml", Required: true}, {Path: "."}}},
		"gone.toml: can't be read: no such file or directory", ".: can't be read: is a directory")
}
