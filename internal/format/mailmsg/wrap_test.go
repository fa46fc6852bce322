// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"bytes"
	"compress/zlib"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var htmlCases = []struct{ name, html, want string }{
	{"words", "<p>a\n b</p>c<p>d</p>", "a b\n\nc\n\nd\n"},
	{"nothing", "", "\n"},
	{"lines", "a<br>b<br/><br><br><br>c", "a\nb\n\nc\n"},
	{"inline", "<b>a</b>b <i>c</i>\nd<i> e</i>", "ab c d e\n"},
	{"entities", "&lt;a&gt;&nbsp;&amp;&#228;&bogus;", "<a> &ä&bogus;\n"},
	{"hidden", "<head><title>t</title><style>p{}</style></head><script>a<b</script><!-- c -->d", "d\n"},
	{"an open style hides the rest", "a<style>b", "a\n"},
	{"pre", "a<pre>\n  b\n\n\n\tc\n</pre>d", "a\n\n  b\n\n\n\tc\nd\n"},
	{"quote", "a<blockquote>b<br>c<blockquote>d</blockquote>e</blockquote>f", "a\n> b\n> c\n> > d\n> e\nf\n"},
	{"more ends than begins", "</blockquote></pre>a  b", "a b\n"},
	{"table", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"},
	{"list", "<ul><li>a<li>b</ul>", "a\nb\n"},
	{"unfinished", "a<b", "a\n"},
}

func TestHTMLText(t *testing.T) {
	for _, tc := range htmlCases {
		if d := cmp.Diff(tc.want, HTMLText(tc.html)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestHTMLTextIsBounded(t *testing.T) {
	begin := time.Now()
	for _, in := range []string{strings.Repeat("<blockquote>", 1<<19) + strings.Repeat("a<br>", 1<<20), strings.Repeat("<", 8<<20), strings.Repeat("<a b", 2<<20), strings.Repeat("&", 8<<20),
		"<p " + strings.Repeat("a=b ", 1<<20) + ">x", strings.Repeat("<pre>a\n", 1<<20), strings.Repeat("<!--", 2<<20)} {
		if got := HTMLText(in); len(got) > 2*maxHTML+1<<20 {
			t.Errorf("%.20q… gives %d bytes", in, len(got))
		}
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

const armoured = "a\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- --- a/f\n- From x\nb\n-----BEGIN PGP SIGNATURE-----\n\niQ\n-----END PGP SIGNATURE-----\nc\n"

func TestUnarmour(t *testing.T) {
	for in, want := range map[string]string{
		armoured: "a\n--- a/f\nFrom x\nb\nc\n",
		strings.ReplaceAll(armoured, "\n", "\r\n"):               "a\r\n--- a/f\r\nFrom x\r\nb\r\nc\r\n",
		armoured + armoured:                                      "a\n--- a/f\nFrom x\nb\nc\na\n--- a/f\nFrom x\nb\nc\n",
		"> " + armoured[2:]:                                      "> " + armoured[2:],
		strings.Split(armoured, "\n-----BEGIN PGP SIGNATURE")[0]: strings.Split(armoured, "\n-----BEGIN PGP SIGNATURE")[0],
		strings.Split(armoured, "\n-----END")[0]:                 "a\n--- a/f\nFrom x\nb\n",
		"-----BEGIN PGP SIGNED MESSAGE-----":                     "-----BEGIN PGP SIGNED MESSAGE-----",
		"-----BEGIN PGP SIGNED MESSAGE-----\nno header\n\nb\n-----BEGIN PGP SIGNATURE-----\n": "-----BEGIN PGP SIGNED MESSAGE-----\nno header\n\nb\n-----BEGIN PGP SIGNATURE-----\n",
		"none": "none",
	} {
		if got := string(Unarmour([]byte(in))); got != want {
			t.Errorf("Unarmour(%q) = %q, want %q", in, got, want)
		}
	}
}

// der is an element with a definite length.
func der(tag byte, content ...byte) []byte {
	n := len(content)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
	}
}

func signed(content []byte) []byte {
	inner := der(0x30, append(der(0x06, oidSignedData...), der(0xa0, der(0x04, content...)...)...)...)
	data := append(append(der(0x02, 1), der(0x31)...), inner...)
	return der(0x30, append(der(0x06, oidSignedData...), der(0xa0, der(0x30, data...)...)...)...)
}

// TestInflatedInAll: what the parts of a mail become is bounded in all, not one by one.
func TestInflatedInAll(t *testing.T) {
	packed := func(size int) []byte {
		var b bytes.Buffer
		z := zlib.NewWriter(&b)
		z.Write(make([]byte, size))
		z.Close()
		return b.Bytes()
	}
	var w walker
	for i, c := range []struct {
		size int
		ok   bool
	}{{40 << 20, true}, {40 << 20, false}, {1 << 10, false}} {
		if _, ok := w.inflate(packed(c.size)); ok != c.ok {
			t.Errorf("part %d of %d bytes: %v", i, c.size, ok)
		}
	}
}

func TestCMSContent(t *testing.T) {
	want := bytes.Repeat([]byte("content "), 50)
	whole := signed(want)
	if got, ok := new(walker).cmsContent(whole); !ok || !bytes.Equal(got, want) {
		t.Errorf("got %q, %v", got, ok)
	}
	for n := range whole { // cut anywhere
		if got, ok := new(walker).cmsContent(whole[:n]); ok && !bytes.HasPrefix(want, got) {
			t.Errorf("cut to %d bytes it gives %q", n, got)
		}
	}
	for name, bad := range map[string][]byte{"nothing": nil, "a huge length": {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, "a length of nine bytes": {0x30, 0x89, 1}, "endless nesting": bytes.Repeat([]byte{0x30, 0x80}, 10_000)} {
		if got, ok := new(walker).cmsContent(bad); ok {
			t.Errorf("%s gives %q", name, got)
		}
	}
}

// FuzzWrapped checks the readers of what may be wrapped around a text.
func FuzzWrapped(f *testing.F) {
	for _, c := range htmlCases {
		f.Add([]byte(c.html))
	}
	f.Add([]byte(armoured))
	f.Add(signed([]byte("Content-Type: text/plain\n\nx")))
	f.Fuzz(func(t *testing.T, in []byte) {
		text := strings.ToValidUTF8(string(in), "?")
		out := HTMLText(text)
		if !utf8.ValidString(out) || strings.Contains(out, "\r") && !strings.Contains(text, "\r") && !strings.Contains(text, "&") {
			t.Fatalf("HTMLText(%q) = %q", text, out)
		}
		bare := Unarmour(in)
		if len(bare) > len(in) || !bytes.Contains(in, []byte(armourBegin)) && !bytes.Equal(bare, in) {
			t.Fatalf("Unarmour(%q) = %q", in, bare)
		}
		if content, ok := new(walker).cmsContent(in); ok && len(content) == 0 {
			t.Fatal("no content, but found")
		}
	})
}
