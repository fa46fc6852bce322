// SPDX-License-Identifier: GPL-2.0-or-later

package remark

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/format/diff"
)

const tea = `diff --git a/tea.c b/tea.c
index 1..2 100644
--- a/tea.c
+++ b/tea.c
@@ -10,6 +10,8 @@ int brew(void)
 {
 	struct kettle *k = kettle_get();

-	boil(k, 90);
+	if (boil(k, 95) < 0)
+		return -EIO;
+
 	pour(k);
 }
diff --git a/pot.c b/pot.c
--- a/pot.c
+++ b/pot.c
@@ -1,3 +1,4 @@
 #include "pot.h"
+#include "a_lid_with_a_name_that_is_rather_long.h"
 
 int pots;
@@ -20,3 +21,3 @@
 {
-	return -EIO;
+	return -ENOTEA;
 }
`

// placeCases are replies, with | for LF, and the remarks that are found: reply, line of the diff and text. A line is -1 for the message.
var placeCases = []struct {
	name    string
	replies []string
	want    []string
}{
	{"below the line", []string{"On Monday 2 February, Ann wrote:|> +	if (boil(k, 95) < 0)|Hotter.||> +		return -EIO;|> +|>  	pour(k);|> -- |> 2.30|"}, []string{"0 +	if (boil(k, 95) < 0): Hotter."}},
	{"all of it, trimmed greetings", []string{"Hi Ann,||On Mon, 2 Feb 2026, Ann wrote:|> Why.|>|> diff --git a/tea.c b/tea.c|> --- a/tea.c|> +++ b/tea.c|> @@ -10,6 +10,8 @@ int brew(void)|>  {|>  	struct kettle *k = kettle_get();|>|> -	boil(k, 90);|> +	if (boil(k, 95) < 0)|> +		return -EIO;||Which error?||Thanks,|Bo|"},
		[]string{"0 +		return -EIO;: Which error?||Thanks,|Bo"}},
	{"white space lost", []string{">+ if (boil(k,  95) < 0)|>+ return -EIO;|A|"}, []string{"0 +		return -EIO;: A"}},
	{"wrapped", []string{"> +#include|> \"a_lid_with_a_name_that_is_rather_long.h\"|> +#include \"a_lid_with_a_name|> _that_is_rather_long.h\"|Shorter.|"}, []string{"0 +#include \"a_lid_with_a_name_that_is_rather_long.h\": Shorter."}},
	{"the second of two", []string{"> @@ -20,3 +21,3 @@|>  {|> -	return -EIO;|Keep.|"}, []string{"0 -	return -EIO;: Keep."}},
	{"context", []string{"> +		return -EIO;|> +|>  	pour(k);|>  }|Drink.|"}, []string{"0  }: Drink."}},
	{"empty context is no place", []string{"> +#include \"a_lid_with_a_name_that_is_rather_long.h\"|>  |>|Why?|"}, []string{"0 +#include \"a_lid_with_a_name_that_is_rather_long.h\": Why?"}},
	{"a reply to a reply, with the diff", []string{"> +	return -ENOTEA;|No such error.|", "> > +	return -ENOTEA;|> No such error.|There is now.|"}, []string{"0 +	return -ENOTEA;: No such error.", "1 +	return -ENOTEA;: There is now."}},
	{"a reply to a reply, without", []string{"> -	boil(k, 90);|This was fine as it was.||> +	return -ENOTEA;|There is no such error code.|", "> There is no such error code.|There is now.||> This was fine as it was.|No.|"},
		[]string{"0 -	boil(k, 90);: This was fine as it was.", "0 +	return -ENOTEA;: There is no such error code.", "1 +	return -ENOTEA;: There is now.", "1 -	boil(k, 90);: No."}},
	{"deeply nested", []string{">>> > +	return -ENOTEA;|>> Why?|> Because.|Why because?|"}, []string{"0 +	return -ENOTEA;: Why because?"}},
	{"the message", []string{"> Tea needs hot water, as is known.|How hot?||> +	if (boil(k, 95) < 0)|Ah.|"}, []string{"0 message: How hot?", "0 +	if (boil(k, 95) < 0): Ah."}},
	{"of the patch as a whole", []string{"> +	return -ENOTEA;|>  }|>||Nice.||Reviewed-by: Bo <bo@example.net>|", "> +	return -ENOTEA;|>  }|> |> base-commit: 1234|> |I am not sure about it.|"}, nil},
	{"nothing quoted", []string{"Nice.|", "> Nice.|It is.|", "> what was said elsewhere|Hm.|"}, nil},
	{"snips and farewells are no remarks", []string{"> +	if (boil(k, 95) < 0)|[...]|> +		return -EIO;|<snip>||Cheers,|Bo|"}, nil},
	{"markup is no farewell", []string{"> +	return -ENOTEA;|.BR EAGAIN .|"}, []string{"0 +	return -ENOTEA;: .BR EAGAIN ."}},
	{"a verdict below what was quoted last", []string{"> +	if (boil(k, 95) < 0)||Acked-by: Bo <bo@example.net>||Bo|"}, nil},
	{"a verdict between quotes", []string{"> +	if (boil(k, 95) < 0)|Acked-by: Bo <bo@example.net>|> +	return -ENOTEA;|No.|"}, []string{"0 +	return -ENOTEA;: No."}},
	{"a diff of one's own", []string{"> +	return -ENOTEA;|Better:||--- a/pot.c|+++ b/pot.c|@@ -20 +20 @@|-	return -EIO;|+	return -ETEA;|"}, []string{"0 +	return -ENOTEA;: Better:||--- a/pot.c|+++ b/pot.c|@@ -20 +20 @@|-	return -EIO;|+	return -ETEA;"}},
	{"another diff, which somebody proposed", []string{"> +	return -ENOTEA;|Better:||diff --git a/pot.c b/pot.c|@@ -20 +20 @@|-	return -EIO;|+	return -ESOMETHING_ELSE;|", "> > +	return -ENOTEA;|> Better:|>|> diff --git a/pot.c b/pot.c|> @@ -20 +20 @@|> -	return -EIO;|> +	return -ESOMETHING_ELSE;|Why so?|"}, []string{"0 +	return -ENOTEA;: Better:||diff --git a/pot.c b/pot.c|@@ -20 +20 @@|-	return -EIO;|+	return -ESOMETHING_ELSE;"}},
	{"lines of another version", []string{"> +	return -ENOTEA;|> +	one_more(tea);|> +	two_more(tea);|> +	three_more(tea);|Why these?|"}, nil},
	{"one line of another version", []string{"> +	return -ENOTEA;|> +	one_more(tea);|Why this?|"}, []string{"0 +	return -ENOTEA;: Why this?"}},
	{"the head of a hunk", []string{"> +#include \"a_lid_with_a_name_that_is_rather_long.h\"|> |>  int pots;|> @@ -20,3 +21,3 @@|What is this function?|"}, []string{"0  {: What is this function?"}},
	{"the name of a file", []string{"> +		return -EIO;|> +|>  	pour(k);|>  }|> diff --git a/pot.c b/pot.c|> --- a/pot.c|> +++ b/pot.c|To lib/, please.|"}, []string{"0  #include \"pot.h\": To lib/, please."}},
	{"the first line of a diff alone", []string{"> diff --git a/tea.c b/tea.c|> index 1..2 100644|Nice work, applied.|> +	if (boil(k, 95) < 0)|"}, nil},
	{"a short line, known by what follows the remark", []string{"> +|Without this.|>  	pour(k);|>  }|> +	return -ENOTEA;|"}, []string{"0 +: Without this."}},
	{"the beginning of a line", []string{"> -	boil(k, 90);|> +	if (boil(|Two words|> k, 95) < 0)|"}, []string{"0 +	if (boil(k, 95) < 0): Two words"}},
	{"marks are words", []string{"> +	return -ENOTEA;|???|> >  }|"}, []string{"0 +	return -ENOTEA;: ???"}},
	{"other letters", []string{"> +	return -ENOTEA;|Почему?|> +	if (boil(k, 95) < 0)|不错|> -	boil(k, 90);|"}, []string{"0 +	return -ENOTEA;: Почему?", "0 +	if (boil(k, 95) < 0): 不错"}},
	{"thanks for something", []string{"> +	return -ENOTEA;|Is there such an error?|", "> > +	return -ENOTEA;|> Is there such an error?|Thanks for asking.|> Bo|"}, []string{"0 +	return -ENOTEA;: Is there such an error?", "1 +	return -ENOTEA;: Thanks for asking."}},
	{"a farewell with notes", []string{"> +	if (boil(k, 95) < 0)|Hot.|> +	return -ENOTEA;|Regards,|Bo||[1] A note on boiling water, which is rather long.|"}, []string{"0 +	if (boil(k, 95) < 0): Hot."}},
	{"a list in the message", []string{"> Tea needs hot water, as is known.|> - one thing or another|> - and another thing|> - and a third thing|Good.|"}, []string{"0 message: Good."}},
	{"a signature", []string{"> +	return -ENOTEA;|Yes.|-- |Bo|"}, []string{"0 +	return -ENOTEA;: Yes."}},
}

func TestPlace(t *testing.T) {
	doc := diff.Parse(tea, 1000)
	for _, c := range placeCases {
		t.Run(c.name, func(t *testing.T) {
			var mails []string
			for _, r := range c.replies {
				mails = append(mails, strings.ReplaceAll(r, "|", "\n"))
			}
			var got []string
			for _, r := range Place(doc, "Tea needs hot water, as is known.\n", mails) {
				at := "message"
				if r.File >= 0 {
					at = doc.Files[r.File].Hunks[r.Hunk].Lines[r.Line].Text
					if at != r.Quote {
						t.Errorf("%q is quoted as %q", at, r.Quote)
					}
				}
				got = append(got, fmt.Sprintf("%d %s: %s", r.Mail, at, strings.ReplaceAll(r.Text, "\n", "|")))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestPlaceTwins: of lines that are there several times the one is found that the quoted lines around it lead to.
func TestPlaceTwins(t *testing.T) {
	doc := diff.Parse(tea, 1000)
	got := Place(doc, "", []string{"> -	return -EIO;\n> +	return -ENOTEA;\n>  }\nOne.\n"})
	if len(got) != 1 || got[0].File != 1 || got[0].Hunk != 1 || got[0].Line != 3 {
		t.Errorf("%+v", got)
	}
}

// TestPlaceMany: of a line that is there a hundred times the one is found that comes next.
func TestPlaceMany(t *testing.T) {
	text := "--- a/f\n+++ b/f\n@@ -0,0 +1,200 @@\n"
	for i := range 100 {
		text += fmt.Sprintf("+	if (step(%d)) {\n+	}\n", i)
	}
	got := Place(diff.Parse(text, 1000), "", []string{"> +	if (step(90)) {\n> +	}\nOne.\n"})
	if len(got) != 1 || got[0].Line != 181 {
		t.Errorf("%+v", got)
	}
}

func FuzzPlace(f *testing.F) {
	for _, c := range placeCases {
		f.Add(tea, strings.ReplaceAll(c.replies[0], "|", "\n"), strings.ReplaceAll(c.replies[len(c.replies)-1], "|", "\n"))
	}
	f.Fuzz(func(t *testing.T, text, one, two string) {
		doc := diff.Parse(text, 1000)
		begin := time.Now()
		for _, r := range Place(doc, one, []string{one, two}) {
			if r.Text == "" || r.File >= 0 && doc.Files[r.File].Hunks[r.Hunk].Lines[r.Line].Text != r.Quote {
				t.Fatalf("%+v", r)
			}
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Fatalf("%d and %d bytes took %v", len(text), len(one)+len(two), took)
		}
	})
}

func BenchmarkPlace(b *testing.B) {
	var d, quote strings.Builder
	d.WriteString("--- a/f\n+++ b/f\n@@ -0,0 +1,1000 @@\n")
	for i := range 1000 {
		fmt.Fprintf(&d, "+\tstep(%d);\n", i)
		fmt.Fprintf(&quote, "> +\tstep(%d);\n", i)
	}
	doc := diff.Parse(d.String(), 2000)
	mails := []string{quote.String() + "One.\n", quote.String() + "Two.\n", quote.String() + "Three.\n"}
	for b.Loop() {
		Place(doc, "", mails)
	}
}
