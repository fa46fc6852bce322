// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"bytes"
	"net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// leaves calls f for every field of Config that is not a section, with its name as a key: HTTP.BaseURL is http.baseurl.
func leaves(c *Config, f func(name string, field reflect.Value)) {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		name := strings.ToLower(v.Type().Field(i).Name)
		if section := v.Field(i); section.Kind() == reflect.Struct {
			for j := range section.NumField() {
				f(name+"."+strings.ToLower(section.Type().Field(j).Name), section.Field(j))
			}
			continue
		}
		f(name, v.Field(i))
	}
}

func TestTheTableCoversEveryField(t *testing.T) {
	c := &Config{}
	bound := map[any]string{}
	for _, k := range table(c) {
		to := reflect.ValueOf(k.value).FieldByName("to").Pointer()
		if other, twice := bound[to]; twice {
			t.Errorf("%s and %s are bound to the same field", k.Name, other)
		}
		bound[to] = k.Name
	}
	leaves(c, func(name string, field reflect.Value) {
		key := bound[field.Addr().Pointer()]
		if got := strings.ReplaceAll(key, "-", ""); got != name {
			t.Errorf("field %s is bound to key %q", name, key)
		}
		delete(bound, field.Addr().Pointer())
	})
	if len(bound) != 0 {
		t.Errorf("keys bound to no field: %v", bound)
	}
}

func TestEveryKeyIsWellFormed(t *testing.T) {
	name := regexp.MustCompile(`^([a-z]+\.)?[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, k := range Keys() {
		if !name.MatchString(k.Name) || seen[k.Flag()] || seen[k.Env()] {
			t.Errorf("%s: bad or double name", k.Name)
		}
		seen[k.Flag()], seen[k.Env()] = true, true
		lines := strings.Split(k.Help, "\n")
		if len(lines) > 3 || !strings.HasSuffix(k.Help, ".") {
			t.Errorf("%s: the help has %d lines or no full stop", k.Name, len(lines))
		}
		for _, l := range lines {
			if len(l) > 95 || strings.TrimSpace(l) != l || l == "" {
				t.Errorf("%s: help line %q is empty, padded or too long", k.Name, l)
			}
		}
		if k.Accepts == "" {
			t.Errorf("%s: does not say what it accepts", k.Name)
		}
	}
	var k Key
	for _, k = range Keys() {
		if k.Name == "http.base-url" {
			break
		}
	}
	if k.Env() != "PW_HTTP_BASE_URL" || k.Flag() != "http-base-url" {
		t.Errorf("http.base-url is %s and --%s", k.Env(), k.Flag())
	}
}

// odd gives every field a value that is not its default and hard to write.
func odd(t *testing.T) *Config {
	c := Default()
	leaves(c, func(name string, field reflect.Value) {
		switch p := field.Addr().Interface().(type) {
		case *bool:
			*p = !*p
		case *int:
			*p++
		case *int64:
			*p += 7
		case *time.Duration:
			*p += 1500 * time.Microsecond
		case *mail.Address:
			*p = mail.Address{Name: `Ö. "Q" \ Lee, ` + strings.ReplaceAll(name, ".", " "), Address: "a@example.org"}
		case *[]mail.Address:
			*p = []mail.Address{{Name: "Lee, Ann", Address: "ann@example.org"}, {Address: "b@example.org"}}
		case *[]netip.Prefix:
			*p = []netip.Prefix{netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("192.0.2.1/32")}
		}
	})
	c.Log.Level, c.Log.Format = -4, "json"
	c.Database.URL = "postgres://pw:p%40ss@[::1]:5433/patch%20work?sslmode=require"
	c.Ingress.Listen, c.HTTP.Listen = "/run/pw/lmtp.sock", "[::1]:80"
	c.Ingress.Recipients = []string{"patches@example.org", "*@lists.example.org", `"a,b"@example.org`}
	c.Ingress.UnknownList, c.Ingress.TLSCert, c.Ingress.TLSKey = "reject", "/etc/pw/cert #1.pem", "/etc/pw/key.pem"
	c.Ingress.PublicInbox = []PublicInbox{{"https://lore.example.org/a/", "widgets.lists.example.org"}, {"/srv/archive=old/x", ""}}
	c.Ingress.IMAP = []IMAP{{Scheme: "imaps", Security: "tls", User: "ann@example.org", Host: "mail.example.org", Port: "993", Mailbox: "Lists/ö x",
		ListID: "w.example.org", PasswordFile: "/etc/pw/ä b", Seen: true, MoveTo: "Done/x"},
		{Scheme: "imap", Security: "none", User: "b", Host: "::1", Port: "1143", Mailbox: "INBOX"}, {Scheme: "imap", Security: "none", User: "b", Host: "mx", Port: "143", Mailbox: "INBOX"}}
	c.Ingress.IMAPPassword, c.Ingress.MailgunKey, c.Ingress.SpoolDir = "imap pass", "key-1", "/var/spool/pw"
	c.Ingress.PublicInboxCache = "/var/cache/pw inboxes"
	c.Metrics.Listen = "127.0.0.1:9090"
	c.HTTP.BaseURL = "https://pw.example.org/pw"
	c.HTTP.CORSOrigins = []string{"https://ci.example.org:8443", "*"}
	c.HTTP.CustomCSS = `C:\x "y" #z`
	c.HTTP.NavHTML = "<a href=\"/x\">\n\tÄ\u0085\x7f\x01</a>"
	c.HTTP.FooterHTML = "'''\"\"\""
	c.SMTP.Encryption, c.SMTP.Host, c.SMTP.User, c.SMTP.Password = "starttls", "mx.example.org", "pw", `"\pass`
	c.SMTP.Sendmail = "/usr/sbin/sendmail"
	c.Webhook.Proxy = "http://proxy.example.org:3128"
	same := Default()
	v := reflect.ValueOf(same).Elem()
	leaves(same, func(name string, field reflect.Value) {
		leaves(c, func(other string, changed reflect.Value) {
			if name == other && reflect.DeepEqual(field.Interface(), changed.Interface()) {
				t.Errorf("the test leaves %s at its default (of %s)", name, v.Type())
			}
		})
	})
	return c
}

func loadText(t *testing.T, text string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "patchwork.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(Sources{Files: []File{{Path: path, Required: true}}})
	return loaded.Config, err
}

func TestPrintIsReadBack(t *testing.T) {
	for name, c := range map[string]*Config{"default": Default(), "odd": odd(t)} {
		var b bytes.Buffer
		if err := Print(&b, c, PrintOptions{Secrets: true}); err != nil {
			t.Fatal(err)
		}
		got, err := loadText(t, b.String())
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v\n%s", name, err, got, c, b.String())
		}
		for _, k := range Keys() {
			leaf := k.Name[strings.IndexByte(k.Name, '.')+1:]
			if !strings.Contains(b.String(), "\n"+leaf+" = ") {
				t.Errorf("%s: Print leaves out %s", name, k.Name)
			}
		}
	}
}

func TestEveryKeyCanBeSetByEnvironmentAndFlag(t *testing.T) {
	want := odd(t)
	var env []string
	flags := map[string]string{}
	for _, k := range table(want) {
		text := strings.Join(k.value.items(), ",")
		env = append(env, k.Env()+"="+text)
		flags[k.Name] = text
	}
	for name, src := range map[string]Sources{"environment": {Env: env}, "flags": {Flags: flags}} {
		loaded, err := Load(src)
		if err != nil || !reflect.DeepEqual(loaded.Config, want) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", name, err, loaded.Config, want)
		}
	}
}

func TestPrintHidesSecrets(t *testing.T) {
	c := Default()
	c.Database.URL = "postgres://pw:s3cret@db/patchwork?password=s3cret"
	c.SMTP.Password = "sqlite:s3cret" // looks like a URL without a password
	var b bytes.Buffer
	if err := Print(&b, c, PrintOptions{Origin: map[string]string{"database.url": "patchwork.toml:3"}}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if strings.Contains(text, "s3cret") {
		t.Errorf("a secret is printed:\n%s", text)
	}
	for _, want := range []string{
		"# (patchwork.toml:3)\nurl = \"postgres://pw:REDACTED@db/patchwork?password=REDACTED\"\n",
		"# (default)\npassword = \"REDACTED\"\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not printed: %s", want)
		}
	}
	if _, err := loadText(t, text); err == nil || strings.Count(err.Error(), "REDACTED") != 2 {
		t.Errorf("what was printed without secrets is taken as configuration: %v", err)
	}
}

func TestDurations(t *testing.T) {
	tests := []struct {
		in, shown string
		want      time.Duration
	}{
		{"0", "0", 0}, {"0s", "0", 0}, {"30d", "30d", 720 * time.Hour}, {"2w", "14d", 336 * time.Hour},
		{"12h", "12h", 12 * time.Hour}, {"1d12h", "1d12h", 36 * time.Hour}, {"1w1d1m", "8d1m", 192*time.Hour + time.Minute},
		{"90m", "1h30m", 90 * time.Minute}, {"10m", "10m", 10 * time.Minute}, {"1.5s", "1.5s", 1500 * time.Millisecond},
		{"200ms", "200ms", 200 * time.Millisecond}, {"100s", "1m40s", 100 * time.Second}, {"20h10m", "20h10m", 20*time.Hour + 10*time.Minute},
		{"106751d", "106751d", 106751 * 24 * time.Hour},
	}
	for _, tt := range tests {
		got, ok := readDuration(tt.in)
		if !ok || got != tt.want || showDuration(got) != tt.shown {
			t.Errorf("%s: %v %v, shown as %s; want %v and %s", tt.in, got, ok, showDuration(got), tt.want, tt.shown)
		}
	}
	for _, bad := range []string{"", "5", "-1s", "+1s", "1d-1h", "d", "1x", "1.5d", "106752d", "106751d24h", "99999999999999999999d",
		"15251w", "15250w9d", "1h1d", " 1s", "1s "} {
		if got, ok := readDuration(bad); ok {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

func TestSizes(t *testing.T) {
	tests := []struct {
		in, shown string
		want      int64
	}{
		{"0", "0", 0}, {"1000", "1000", 1000}, {"50MiB", "50MiB", 52428800}, {"50 mib", "50MiB", 52428800}, {"50M", "50MiB", 52428800},
		{"1GB", "1000000000", 1_000_000_000}, {"2gib", "2GiB", 1 << 31}, {"1k", "1KiB", 1024}, {"1kB", "1000", 1000}, {"7B", "7", 7},
		{"1536KiB", "1536KiB", 1536 << 10}, {"9223372036854775807", "9223372036854775807", 1<<63 - 1},
	}
	for _, tt := range tests {
		got, ok := readSize(tt.in)
		if !ok || got != tt.want || showSize(got) != tt.shown {
			t.Errorf("%s: %d %v, shown as %s; want %d and %s", tt.in, got, ok, showSize(got), tt.want, tt.shown)
		}
	}
	for _, bad := range []string{"", "MiB", "-1", "1.5MiB", "1TiB", "9223372036854775808", "9007199254740992k", "0x10"} {
		if got, ok := readSize(bad); ok {
			t.Errorf("%q is read as %d", bad, got)
		}
	}
}

func TestDatabaseURLs(t *testing.T) {
	good := []struct{ in, engine, path, shown string }{
		{"sqlite:data/patchwork.db", "sqlite", "data/patchwork.db", "sqlite:data/patchwork.db"},
		{"sqlite:///srv/pw.db", "sqlite", "/srv/pw.db", "sqlite:/srv/pw.db"},
		{"sqlite:/srv/a b?.db", "sqlite", "/srv/a b?.db", "sqlite:/srv/a b?.db"},
		{"postgres://u:p%40@h:1/db?sslmode=require", "postgres", "", "postgres://u:REDACTED@h:1/db?sslmode=require"},
		{"postgresql:///db?host=/run/postgresql", "postgres", "", "postgresql:///db?host=/run/postgresql"},
		{"mysql://u@h/db", "mariadb", "", "mysql://u@h/db"},
		{"mariadb://h/db", "mariadb", "", "mariadb://h/db"},
	}
	for _, tt := range good {
		got, err := ParseDatabaseURL(tt.in)
		if err != nil || got.Engine != tt.engine || got.Path != tt.path || got.Redacted() != tt.shown {
			t.Errorf("%s: %+v %v, shown as %s", tt.in, got, err, got.Redacted())
		}
	}
	for _, bad := range []string{"", "data.db", "sqlite:", "sqlite://", "sqlite://srv/pw.db", "sqlite:data/", "postgres:db", "postgres://h",
		"mysql://h/", "postgres://u:p/w@h/db", "oracle://h/db", "mariadb:/db"} {
		if got, err := ParseDatabaseURL(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

// Origins are compared byte by byte with what browsers send.
func TestOrigins(t *testing.T) {
	for in, want := range map[string]string{"https://CI.example.org/": "https://ci.example.org", "http://ci:80": "http://ci", "https://ci:443": "https://ci", "http://ci:443": "http://ci:443",
		"https://[::1]:8443": "https://[::1]:8443", "*": "*", "": "", "ci.example.org": "", "https://": "", "https://a/b": "", "https://u@a": "", "https://a?b": "", "https://*.a": "", "null": "", "ftp://a": ""} {
		var got []string
		ok := origins(&got).value.set([]string{in})
		if ok != (want != "") || ok && got[0] != want {
			t.Errorf("%q: %v %q, want %q", in, ok, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	c := Default()
	c.SMTP.Host, c.SMTP.Password = "mx.example.org", "x"
	c.HTTP.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	c.Ingress.Listen = ":25"
	want := []string{
		"http.base-url is empty: no mail with a link (registration, password, notification) can be sent",
		"smtp.from is empty: mail has no sender and is not sent",
		"smtp.password is set, but smtp.user is empty: there is no login",
		"smtp.encryption is none: smtp.password crosses the network in clear",
		"ingress.listen is :25, ingress.allowed-networks and ingress.recipients are empty: everybody can put mail in",
		"http.trusted-proxies holds 0.0.0.0/0: every visitor can pretend to have another address",
	}
	if diff := cmp.Diff(want, c.Warnings()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.HTTP.BaseURL, c.HTTP.TrustedProxies = "https://x", nil
	c.Ingress.Recipients = []string{"patches@example.org"}
	c.SMTP = SMTP{Host: "127.0.0.1", User: "u", Password: "p", Encryption: "none", From: mail.Address{Address: "a@b"}}
	if got := c.Warnings(); got != nil {
		t.Errorf("warnings %q, want none", got)
	}
	c.SMTP = SMTP{}
	if diff := cmp.Diff([]string{"smtp.host is empty: no mail is sent"}, c.Warnings()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"listen", "lisen", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"abcd", "badc", 2},
	}
	for _, tt := range tests {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
