// SPDX-License-Identifier: GPL-2.0-or-later

package pattern

import (
	"strings"
	"testing"
	"time"
)

// engine names what runs p.
func engine(p *Pattern) string {
	switch {
	case p.linear != nil:
		return "linear"
	case p.back != nil:
		return "back"
	}
	return "scanner"
}

// The counts were computed with Python 3.11: len(re.findall(expr, text, re.I|re.M)).
func TestCount(t *testing.T) {
	for _, c := range []struct {
		expr, text string
		want       int
		engine     string
	}{
		{`^Acked-by:`, "acked-BY: A\n> Acked-by: B\n Acked-by: C\nx Acked-by: D\nAcked-by: E", 2, "scanner"},
		{`^Acked-by:`, "", 0, "scanner"},
		{`^Acked-by:`, "Acked-by", 0, "scanner"},
		{`^Acked-by:`, "Acked-by:\nAcked-by:\n\nAcked-by:Acked-by:", 3, "scanner"},
		{`^Acked\-by\:`, "Acked-by: A", 1, "scanner"},
		{`^a`, "a\na\na", 3, "scanner"},
		{`^a\.b`, "a.b\nacb", 1, "scanner"},
		{`^Fixes: \[x\]`, "fixes: [X]", 1, "scanner"},
		{`^Ünder`, "Ünder\nünder", 2, "linear"},
		{`^(Acked|Reviewed)-by:`, "Acked-by: A\nreviewed-by: B\nTested-by: C", 2, "linear"},
		{`^Cc: .*$`, "Cc: a\nCc: b\r\ncc:c", 2, "linear"},
		{`by:$`, "Acked-by:\nby: x\nby:", 2, "linear"},
		{`a.c`, "abc a\nc ABC", 2, "linear"},
		{`\w+`, "naïve Łódź_1 ١٢", 3, "linear"},
		{`\W`, "é à", 1, "linear"},
		{`\d`, "1٢x", 2, "linear"},
		{`a\sb`, "a\u00a0b a b a\x0bb a\x1fb", 4, "linear"},
		{`[\w-]+`, "a-b é-c", 2, "linear"},
		{`[\s,]`, "a,\u2003b", 2, "linear"},
		{`[^\W_]`, "é_a", 2, "back"},
		{`[]a]`, "]a[", 2, "linear"},
		{`[^]a]`, "]a[", 1, "linear"},
		{`[[:alpha:]]`, "a] :]", 2, "linear"},
		{`a{,2}b`, "aab b aaab", 3, "linear"},
		{`a{,}b`, "aab", 1, "linear"},
		{`a{,b`, "a{,b", 1, "linear"},
		{`end\Z`, "end\nend", 1, "linear"},
		{`\Astart`, "start\nstart", 1, "linear"},
		{`a\-b\_c\é`, "a-b_cé", 1, "linear"},
		{`[a\-z]`, "a-m", 2, "linear"},
		{`(?P<x>a)(?P=x)`, "aa ab AA", 2, "back"},
		{`(?P<x>a)b`, "ab", 1, "linear"},
		{`(.)\1`, "aabbc", 2, "back"},
		{`^(?!\[net)`, "[net] x", 0, "back"},
		{`^\[(?!.*net).*\]`, "[PATCH mm] x\n[PATCH net] x", 1, "back"},
		{`(?<=x)a\_`, "xa_ a_", 1, "back"},
		{`(?=end\Z)e`, "end\nend", 1, "back"},
		{`(?=b{,2}c)b{,2}`, "bbc", 2, "back"},
	} {
		p, err := Compile(c.expr)
		if err != nil {
			t.Errorf("Compile(%q): %v", c.expr, err)
			continue
		}
		if got := p.Count(c.text); got != c.want {
			t.Errorf("%q found %d times in %q, want %d", c.expr, got, c.text, c.want)
		}
		if got := p.Match(c.text); got != (c.want > 0) {
			t.Errorf("%q matches %q: %v", c.expr, c.text, got)
		}
		if got := engine(p); got != c.engine {
			t.Errorf("%q is run by %s, want %s", c.expr, got, c.engine)
		}
		if p.String() != c.expr {
			t.Errorf("String() = %q, want %q", p.String(), c.expr)
		}
	}
}

func TestCompileErrorsNameThePosition(t *testing.T) {
	for expr, want := range map[string]string{
		`[a`:         "character 1:",
		`ab(c`:       "character 3:",
		`a)`:         "character 2:",
		`é**`:        "character 3:",
		`*a`:         "character 1:",
		`(?=a)x[b`:   "character 7:",
		`x(?P=nope)`: "character 2:",
		`a\`:         "character 2:",
	} {
		p, err := Compile(expr)
		if err == nil {
			t.Errorf("Compile(%q) is run by %s, want an error", expr, engine(p))
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Compile(%q): %q does not name %q", expr, err, want)
		}
	}
	if _, err := Compile("^" + strings.Repeat("a", MaxLength)); err == nil {
		t.Error("an expression of 1001 bytes is accepted")
	}
}

func TestSearchGivesUp(t *testing.T) {
	p, err := Compile(`(?=a)(a+)+\1$`)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a", 5000) + "b"
	begin := time.Now()
	if p.Match(text) || p.Count(text) != 0 {
		t.Error("a search that cannot end found something")
	}
	if took := time.Since(begin); took > 20*time.Second { // without an end it would be years
		t.Errorf("two searches took %v, want about %v", took, 2*Timeout)
	}
}

// FuzzLineLiteral compares the hand scanner with the linear engine.
func FuzzLineLiteral(f *testing.F) {
	f.Add("Acked-by:", "acked-by: a\nx\nAcked-By:")
	f.Add("a", "\n\na\nba\n")
	f.Fuzz(func(t *testing.T, literal, text string) {
		p, err := Compile("^" + literal)
		if err != nil || p.line == "" || strings.ContainsAny(text, "\u212a\u017f") {
			return
		}
		linear := compileLinear("^" + literal)
		if linear == nil {
			t.Fatalf("^%s is accepted by the scanner only", literal)
		}
		if got, want := p.Count(text), len(linear.FindAllStringIndex(text, -1)); got != want {
			t.Errorf("^%s is in %q %d times, want %d", literal, text, got, want)
		}
	})
}

func benchText() string {
	return strings.Repeat("Because the driver needs it and nothing else does.\n", 194) + "Acked-by: A U Thor <a@example.org>\n"
}

func BenchmarkCount(b *testing.B) {
	text := benchText()
	for name, expr := range map[string]string{"scanner": `^Acked-by:`, "linear": `^(Acked|Reviewed)-by:`, "back": `^(?!x)Acked-by:`} {
		b.Run(name, func(b *testing.B) {
			p, err := Compile(expr)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				p.Count(text)
			}
		})
	}
}

// FuzzCompile checks that any expression either is refused with its place, or searches any text in bounded time.
func FuzzCompile(f *testing.F) {
	for _, expr := range []string{`^Acked-by:`, `^(?!x)(a+)+\1$`, `[^\W_]`, `(?P<x>a)(?P=x)`, `a{,2}b`, `\Z`, `(?i)x`, `[[:alpha:]]`, `(a`, `\`, `é**`, `(?#x)`, `x{1000}{1000}`} {
		f.Add(expr, "Acked-by: a\naaaaaaaaab")
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		begin := time.Now()
		p, err := Compile(expr)
		if err != nil {
			if !strings.Contains(err.Error(), "regular expression") {
				t.Fatal(err)
			}
			return
		}
		matched, n := p.Match(text), p.Count(text)
		if n < 0 || n > len(text)+1 {
			t.Fatalf("%q is in %q %d times", expr, text, n)
		}
		took := time.Since(begin)
		if matched != (n > 0) && took < Timeout {
			t.Fatalf("%q matches %q: %v, but is there %d times", expr, text, matched, n)
		}
		if took > 30*time.Second {
			t.Fatalf("%q took %v", expr, took)
		}
	})
}
