// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"fmt"
	"net/url"
	"strings"
	"text/template"

	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/patch"
)

// mostListed bounds the patches that one mail lists.
const mostListed = 200

var words = template.FuncMap{
	"line": outmail.Line, // all that comes from mail goes through it
	"link": outmail.Link,
	"patch": func(linkname, msgid string) string {
		return outmail.Link(patch.PagePath(linkname, patch.KindPatch, msgid))
	},
	"project": func(linkname string) string { return outmail.Link("/project/" + url.PathEscape(linkname) + "/list/") },
}

func parse(name, text string) *template.Template {
	return template.Must(template.New(name).Funcs(words).Parse(strings.TrimLeft(text, "\n") + foot))
}

func fill(t *template.Template, data any) (string, error) {
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", fmt.Errorf("compose %s: %w", t.Name(), err)
	}
	return b.String(), nil
}

// foot says how to be told less.
const foot = `{{define "foot"}}
--
Patchwork, {{link "/"}}
Mail settings of any address: {{link "/mail/"}}
{{end}}{{define "choice"}}You get this mail because you chose to be told {{.}}.
What you are told is your choice: {{link "/user/notifications/"}}
{{template "foot"}}{{end}}`

// The structure is that of Patchwork 3.2.
var digestText = parse("state digest", `
Hello,

these patches, which came from your address, have changed their state:
{{range .Notices}}
 * {{line .Linkname}}: {{line .Name}}
     {{patch .Linkname .MsgID}}
     for: {{line .ProjectName}}
     was: {{line .Was}}
     now: {{line .Now}}
{{end}}{{if .More}}
 ... and {{.More}} more.
{{end}}
This is only for your information; there is no need to answer.
You get this mail because the project tells everybody who sends patches.
{{template "foot"}}`)

var topicText = parse("news of a series", `
Hello{{with line .Name}} {{.}}{{end}},

{{line .Title}}
{{link .Path}}
{{with .Delegated}}
Delegated to you{{with line $.By}} by {{.}}{{end}}:
{{range .}}
 * {{line .Name}}
     {{patch $.Linkname .MsgID}}
{{end}}{{end}}{{with .Checks}}
Failed checks:
{{range .}}
 * {{line .Name}}
     {{line .Context}}{{with line .Description}}: {{.}}{{end}}
     {{if .URL}}{{line .URL}}{{else}}{{patch $.Linkname .MsgID}}{{end}}
{{end}}{{end}}{{with .States}}
New state:
{{range .}}
 * {{line .Name}}
     now: {{line .State}}
     {{patch $.Linkname .MsgID}}
{{end}}{{end}}
{{template "choice" .Why}}`)

var reviewText = parse("reminder of patches to review", `
Hello{{with line .Name}} {{.}}{{end}},

{{if eq .Total 1}}one patch that is delegated to you has{{else}}{{.Total}} patches that are delegated to you have{{end}} waited for {{if eq .Days 1}}a day{{else}}{{.Days}} days{{end}} or more:
{{range .Patches}}
 * {{line .Name}}
     {{line .Linkname}}, {{line .State}}, since {{.Since}}
     {{patch .Linkname .MsgID}}
{{end}}{{with .More}}
 ... and {{.}} more.
{{end}}
{{template "choice" "once a week of patches that wait for your review"}}`)

var summaryText = parse("summary of a week", `
Hello{{with line .Name}} {{.}}{{end}},

{{line .ProjectName}}, week from {{.From}} to {{.To}} (UTC)
{{project .Linkname}}

This week
{{range .Week}}  {{printf "%-24s %6d" .Name .N}}
{{else}}  Nothing happened.
{{end}}
Waiting now
{{range .Open}}  {{printf "%-24s %6d" .Name .N}}
{{else}}  Nothing.
{{end}}{{with .Oldest}}
Waiting longest
{{range .}}
 * {{line .Name}}
     {{line .State}}, since {{.Since}}
     {{patch $.Linkname .MsgID}}
{{end}}{{end}}
{{template "choice" "of the week in this project"}}`)
