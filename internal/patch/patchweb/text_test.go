// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"strings"
	"testing"
)

// TestMessageHTML: a commit message, its trailers and what follows them are blocks of their own, so no empty lines stand between them.
func TestMessageHTML(t *testing.T) {
	got := messageHTML("One\n\nTwo\n\n\nSigned-off-by: Ann <ann@x>\n\n---\nnote\n\n")
	want := `<pre class="text">One` + "\n\nTwo\n" + `</pre><pre class="text trailers">Signed-off-by: Ann &lt;ann@x&gt;` + "\n" + `</pre><pre class="text notes">note` + "\n</pre>"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestFoldedQuote: a long quotation is folded but for its end, and its fold takes the place of the empty line before it.
func TestFoldedQuote(t *testing.T) {
	quote := strings.Repeat("> x\n", foldQuote) + "> last\n"
	got := textHTML("Ann wrote:\n\n" + quote + "\nYes.\n")
	if !strings.HasPrefix(got, `<pre class="text">Ann wrote:`+"\n"+`</pre><details class="quoted"><summary>15 quoted lines</summary>`) || !strings.HasSuffix(got, "last</span>\n\nYes.\n</pre>") {
		t.Errorf("%q", got)
	}
	if got := textHTML("Ann wrote:\n\n> x\n"); got != `<pre class="text">Ann wrote:`+"\n\n"+`<span class="q">&gt; x</span>`+"\n</pre>" {
		t.Errorf("a short one: %q", got)
	}
}
