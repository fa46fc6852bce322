// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type leaf struct{ Type, Body string }

func leaves(m *Message) []leaf {
	var all []leaf
	for i := range m.Parts {
		all = append(all, leaf{m.Parts[i].Type, string(m.Parts[i].Body)})
	}
	return all
}

func TestParts(t *testing.T) {
	const mixed = "Content-Type: multipart/mixed; boundary=\"b\""
	tests := []struct {
		name string
		raw  []byte
		want []leaf
	}{
		{"no type", mail("Subject: x", "", "a"), []leaf{{"text/plain", "a"}}},
		{"unreadable type", mail("Content-Type: text", "", "a"), []leaf{{"text/plain", "a"}}},
		{"html", mail("Content-Type: TEXT/HTML; charset=x", "", "a"), []leaf{{"text/html", "a"}}},
		{"type without semicolon", mail("Content-Type: text/plain charset=utf-8", "", "a"), []leaf{{"text/plain", "a"}}},
		{"mixed", mail(mixed, "", "preamble", "--b", "", "one", "--b", "Content-Type: text/x-patch", "", "two", "", "--b--", "epilogue"),
			[]leaf{{"text/plain", "one"}, {"text/x-patch", "two\n"}}},
		{"CRLF", []byte(mixed + "\r\n\r\n--b\r\n\r\none\r\n\r\n--b--\r\n"), []leaf{{"text/plain", "one\r\n"}}},
		{"no end", mail(mixed, "", "--b", "", "one", "--b", "", "two", ""), []leaf{{"text/plain", "one"}, {"text/plain", "two\n"}}},
		{"white space after boundary", mail(mixed, "", "--b \t", "", "one", "--b-- ", ""), []leaf{{"text/plain", "one"}}},
		{"boundary of a longer name", mail(mixed, "", "--b", "", "one", "--bb", "--b-", "x --b", "--b--"),
			[]leaf{{"text/plain", "one\n--bb\n--b-\nx --b"}}},
		{"empty parts", mail(mixed, "", "--b", "--b", "", "--b--"), []leaf{{"text/plain", ""}, {"text/plain", ""}}},
		{"part without empty line", mail(mixed, "", "--b", "just text", "--b--"), []leaf{{"text/plain", "just text"}}},
		{"boundary missing", mail("Content-Type: multipart/mixed", "", "--b", "", "one", "--b--"), []leaf{{"text/plain", "--b\n\none\n--b--"}}},
		{"boundary never seen", mail(mixed, "", "only text"), []leaf{{"text/plain", "only text"}}},
		{"only the end", mail(mixed, "", "text", "--b--"), []leaf{{"text/plain", "text\n--b--"}}},
		{"nested", mail(mixed, "", "--b", "Content-Type: multipart/alternative; boundary=c", "", "--c", "", "one", "--c",
			"Content-Type: text/html", "", "two", "--c--", "", "--b", "", "three", "--b--"),
			[]leaf{{"text/plain", "one"}, {"text/html", "two"}, {"text/plain", "three"}}},
		{"inner end missing", mail(mixed, "", "--b", "Content-Type: multipart/mixed; boundary=c", "", "--c", "", "one", "--b", "", "two", "--b--"),
			[]leaf{{"text/plain", "one"}, {"text/plain", "two"}}},
		{"attached mail", mail(mixed, "", "--b", "Content-Type: message/rfc822", "", "From: a", "Subject: b", "", "inner", "--b--"),
			[]leaf{{"text/plain", "inner"}}},
		{"attached mail in base64", mail("Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "", "RnJvbTogYQoKaGk="),
			[]leaf{{"text/plain", "hi"}}},
		{"digest", mail("Content-Type: multipart/digest; boundary=b", "", "--b", "", "Subject: x", "", "one", "--b--"),
			[]leaf{{"text/plain", "one"}}},
		{"folded boundary", mail("Content-Type: multipart/mixed;", "\tboundary=b; charset=utf-8", "", "--b", "", "one", "--b--"),
			[]leaf{{"text/plain", "one"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, leaves(Parse(tt.raw))); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPartFields(t *testing.T) {
	m := Parse(mail("Content-Type: Text/X-Patch; Charset=\"UTF-8\"; name*0=long-; name*1=\"name.patch\"; x=\"a\\\"b\"",
		"Content-Disposition: ATTACHMENT; filename*=utf-8'en'%e2%82%ac.patch; size=12", "", "x"))
	want := Part{Type: "text/x-patch", Charset: "utf-8", Disposition: "attachment", Filename: "€.patch", Body: []byte("x"), Params: map[string]string{
		"charset": "UTF-8", "name*0": "long-", "name*1": "name.patch", "name": "long-name.patch", "x": `a"b`}}
	if diff := cmp.Diff(want, m.Parts[0]); diff != "" {
		t.Errorf("part (-want +got):\n%s", diff)
	}
}

func TestParseMedia(t *testing.T) {
	tests := []struct {
		raw, name string
		params    map[string]string
	}{
		{"text/plain", "text/plain", nil},
		{" text/plain ;charset = utf-8 ; ", "text/plain", map[string]string{"charset": "utf-8"}},
		{"text/plain (a comment); charset=a (b)", "text/plain", map[string]string{"charset": "a"}},
		{"text/plain; charset=utf-8 format=flowed", "text/plain", map[string]string{"charset": "utf-8", "format": "flowed"}},
		{"text/plain;;charset=a; charset=b", "text/plain", map[string]string{"charset": "a"}},
		{"attachment; filename=my file.patch; size=1", "attachment", map[string]string{"filename": "my file.patch", "size": "1"}},
		{`a/b; x="unclosed`, "a/b", map[string]string{"x": "unclosed"}},
		{`a/b; x="fol` + "\n" + `ded"`, "a/b", map[string]string{"x": "folded"}},
		{"a/b; flag; x=1", "a/b", map[string]string{"x": "1"}},
		{"a/b; =; =x", "a/b", nil},
		{"a/b (unclosed", "a/b", nil},
		{"a/b; n*0*=iso-8859-1''%fc; n*1=%20; n*2*=%20x", "a/b",
			map[string]string{"n*0*": "iso-8859-1''%fc", "n*1": "%20", "n*2*": "%20x", "n": "ü%20 x"}},
		{"", "", nil},
	}
	for _, tt := range tests {
		got := parseMedia(tt.raw)
		if got.name != tt.name {
			t.Errorf("%q: name %q, want %q", tt.raw, got.name, tt.name)
		}
		if diff := cmp.Diff(tt.params, got.params); diff != "" {
			t.Errorf("%q: params (-want +got):\n%s", tt.raw, diff)
		}
	}
}

func TestTransferDecode(t *testing.T) {
	tests := []struct{ name, encoding, body, want string }{
		{"7bit", "7bit", "a=3D\n", "a=3D\n"},
		{"unknown", "x-nonsense", "a=3D", "a=3D"},
		{"base64", "BASE64", "aGVsbG8g\nd29ybGQ=\n", "hello world"},
		{"base64 CRLF", "base64", "aGVsbG8g\r\nd29ybGQ=\r\n", "hello world"},
		{"base64 with parameter", " base64 ; x", "aGk=", "hi"},
		{"base64 no padding", "base64", "aGVsbG8gd29ybGQ", "hello world"},
		{"base64 odd character", "base64", "aGVsbG8gd29ybGQ=\nZ", "hello world"},
		{"base64 with junk", "base64", "aGVs!bG8gd29ybGQgYW5kIG1vcmU=", "hello world and more"},
		{"base64 indented", "base64", " aGVsbG8gd29y\n bGQgYW5kIG1v\n cmU=", "hello world and more"},
		{"base64 in two blocks", "base64", "aGVsbG8=\nIHdvcmxk\n", "hello world"},
		{"base64 and footer", "base64", "aGVsbG8=\n_______\nList-footer, with words\n", "hello"},
		{"base64 that is text", "base64", "int a = b;\nreturn a == b;\n", "int a = b;\nreturn a == b;\n"},
		{"qp", "Quoted-Printable", "a=3Db=C3=A9 =\nc\n", "a=b\xc3\xa9 c\n"},
		{"qp lower case hex", "quoted-printable", "=c3=a9", "\xc3\xa9"},
		{"qp CRLF", "quoted-printable", "a=\r\nb\r\n", "ab\r\n"},
		{"qp white after soft break", "quoted-printable", "a= \t\nb", "ab"},
		{"qp stray", "quoted-printable", "a == b =xy =4", "a == b =xy =4"},
		{"qp end", "quoted-printable", "a=", "a"},
		{"uu", "x-uuencode", "x\nbegin 644 f\n%:&5L;&\\\n`\nend\n", "hello"},
		{"uu without begin", "uuencode", "plain", "plain"},
	}
	for _, tt := range tests {
		m := Parse(mail("Content-Transfer-Encoding: "+tt.encoding, "", tt.body))
		if got := string(m.Parts[0].Body); got != tt.want {
			t.Errorf("%s: body %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDeepNestingEndsInALeaf(t *testing.T) {
	m := Parse([]byte(strings.Repeat("Content-Type: message/rfc822\n\n", maxDepth+20) + "Subject: x\n\ndeep"))
	if len(m.Parts) != 1 || len(m.Defects) != 1 || m.Parts[0].Type != "message/rfc822" || !strings.HasSuffix(string(m.Parts[0].Body), "deep") {
		t.Errorf("parts %.200q, defects %q", m.Parts, m.Defects)
	}
}
