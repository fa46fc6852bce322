// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import "testing"

func TestDecode(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "[PATCH v2 1/3] a: b", "[PATCH v2 1/3] a: b"},
		{"fold and runs", " a\n\tb   c \t", "a b c"},
		{"q", "=?utf-8?q?Rafa=C5=82_Mi=c5=82ecki?= <z@x.example>", "Rafał Miłecki <z@x.example>"},
		{"b", "=?UTF-8?B?UmFmYcWC?=", "Rafał"},
		{"inside quotes", `"=?utf-8?q?M=C3=BCller?=" <a@b>`, `"Müller" <a@b>`},
		{"no space around", "[PATCH]=?utf-8?q?=C3=A9?=x", "[PATCH]éx"},
		{"neighbours join", "=?utf-8?q?a?=\n =?utf-8?q?b?=", "ab"},
		{"character cut in two", "=?utf-8?b?w6TD?= =?utf-8?b?tg==?=", "äö"},
		{"neighbours of two charsets", "=?utf-8?q?=C3=A4?= =?iso-8859-1?q?=F6?= c", "äö c"},
		{"text between", "=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"},
		{"language", "=?us-ascii*en?q?hi?=", "hi"},
		{"latin-1", "=?iso-8859-1?q?M=FCller?=", "Müller"},
		{"chinese", "=?gb2312?B?uN/P6A==?=", "高翔"},
		{"japanese", "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
		{"unknown charset, UTF-8 bytes", "=?x-nonsense?q?=C3=BC?=", "ü"},
		{"unknown charset, other bytes", "=?x-nonsense?q?=FCber?=", "über"},
		{"charset with NUL", "=?utf\x008?q?=C3=BC?=", "ü"},
		{"wrong charset", "=?utf-8?q?M=FCller?=", "Müller"},
		{"no charset", "=??q?a?=", "a"},
		{"truncated base64", "=?utf-8?b?UmFmYcW?=", "RafaÅ"},
		{"base64 without padding", "=?utf-8?b?YQ?=", "a"},
		{"empty base64", "a =?utf-8?b??= b", "a b"},
		{"hopeless base64", "=?utf-8?b?!!!?=", "!!!"},
		{"bad hex stays", "=?utf-8?q?a=ZZb=4?=", "a=ZZb=4"},
		{"unclosed word", "=?utf-8?q?abc", "=?utf-8?q?abc"},
		{"unknown encoding", "=?utf-8?x?abc?= =?utf-8?q?d?=", "=?utf-8?x?abc?= d"},
		{"word with spaces", "=?utf-8?q?a b c?=", "a b c"},
		{"newline in a word", "=?utf-8?q?a=0AX-Evil:_b=0D=0Ac?=", "a X-Evil: b c"},
		{"NUL in a word", "=?utf-8?q?a=00b?=", "ab"},
		{"NUL", "a\x00b", "ab"},
		{"raw UTF-8", "Rafał", "Rafał"},
		{"raw latin-1", "M\xfcller", "Müller"},
		{"raw beside word", "M\xfcller =?utf-8?q?=C3=A9?=", "Müller é"},
		{"no-break space is space", "a\u00a0\u2003b", "a b"},
		{"no word at all", "a =? b ?= c", "a =? b ?= c"},
		{"empty", "", ""},
		{"white", " \n\t", ""},
	}
	for _, tt := range tests {
		if got := Decode(tt.in); got != tt.want {
			t.Errorf("%s: Decode(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestPartText(t *testing.T) {
	tests := []struct{ name, charset, body, want, used string }{
		{"none, ASCII", "", "abc\r\n", "abc\r\n", "utf-8"},
		{"none, UTF-8", "", "Rafał", "Rafał", "utf-8"},
		{"none, latin-1", "", "M\xfcller", "Müller", "windows-1252"},
		{"ascii", "us-ascii", "abc", "abc", "us-ascii"},
		{"python's ascii", "ansi_x3.4-1968", "abc", "abc", "us-ascii"},
		{"ascii that is UTF-8", "us-ascii", "é", "é", "utf-8"},
		{"UTF-8 that is latin-1", "utf-8", "M\xfcller", "Müller", "windows-1252"},
		{"UTF-8 with one stray", "utf-8", "Rafał M\xfcller", "Rafał Müller", "unknown-8bit"},
		{"UTF-8 with a stray", "", "Müller, B\xe4r", "Müller, Bär", "unknown-8bit"},
		{"Chinese that looks like UTF-8 in two places", "", "\xb1\xbe\xd3\xca\xbc\xfe\xbc\xb0\xc6\xe4\xb8\xbd", "±¾ÓÊ¼þ¼°Æä¸½", "windows-1252"},
		{"undefined in 1252", "", "a\x81b\xe9", "a\u0081bé", "windows-1252"},
		{"latin-1 means 1252", "iso-8859-1", "\x93a\x94 \xfc", "“a” ü", "windows-1252"},
		{"python spelling", "latin_1", "\xfc", "ü", "windows-1252"},
		{"latin-9", "iso-8859-15", "\xa4", "€", "iso-8859-15"},
		{"koi8", "koi8-r", "\xd0\xc1\xd4\xde", "патч", "koi8-r"},
		{"gb2312", "gb2312", "\xb8\xdf\xcf\xe8", "高翔", "gbk"},
		{"gbk that is UTF-8", "gbk", "高祥翔", "高祥翔", "utf-8"},
		{"gbk with a bad byte", "gbk", "\xb8\xdf\xcf\xe8, a long text goes around the \xff byte", "高翔, a long text goes around the \ufffd byte", "gbk"},
		{"dos", "cp850", "\x81", "ü", "ibm850"},
		{"hz", "hz-gb-2312", "~{<:Ky~}", "己所", "hz-gb-2312"},
		{"utf-16 with mark", "utf-16", "\xfe\xff\x00a\x00b", "ab", "utf-16"},
		{"quoted name", "\"utf-8\"", "é", "é", "utf-8"},
		{"utf_8", "utf_8", "é \xfc", "é ü", "unknown-8bit"},
		{"unknown", "x-nonsense", "é", "é", "utf-8"},
		{"unknown-8bit", "unknown-8bit", "\xe9", "é", "windows-1252"},
		{"NUL in the name", "utf\x00", "é", "é", "utf-8"},
		{"NUL in the text", "utf-8", "a\x00b", "ab", "utf-8"},
		{"nothing", "utf-8", "", "", "utf-8"},
	}
	for _, tt := range tests {
		p := Part{Charset: tt.charset, Body: []byte(tt.body)}
		if text, used := p.Text(); text != tt.want || used != tt.used {
			t.Errorf("%s: Text = %q, %q, want %q, %q", tt.name, text, used, tt.want, tt.used)
		}
	}
}
