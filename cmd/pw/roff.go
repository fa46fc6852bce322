// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"strings"
)

// page is a manual page in the macros of man(7).
type page struct{ strings.Builder }

func newPage(name, section, version, short string) *page {
	p := &page{}
	p.raw(fmt.Sprintf(`.TH "%s" "%s" "" "%s" "Patchwork manual"`, escapeRoff(strings.ToUpper(name)), section, escapeRoff(version)))
	p.raw(".nh") // a broken word in a flag or path can't be copied
	p.section("NAME")
	p.request("", name+" - "+short)
	return p
}

func (p *page) raw(line string) { p.WriteString(line + "\n") }

// request writes a macro whose argument is the rest of the line; without a macro, a line of text.
func (p *page) request(macro, text string) {
	if macro != "" {
		macro += " "
	}
	p.raw(macro + escapeRoff(text))
}

func (p *page) section(title string) { p.raw(".SH " + title) }

// item is a name with an indented explanation.
func (p *page) item(name, text string) {
	p.raw(".TP")
	p.request(".B", name)
	p.request("", text)
}

// text writes paragraphs; indented ones keep their lines.
func (p *page) text(s string) {
	for paragraph := range strings.SplitSeq(strings.Trim(s, "\n"), "\n\n") {
		if strings.HasPrefix(paragraph, " ") {
			p.block(paragraph)
			continue
		}
		p.raw(".PP")
		for line := range strings.SplitSeq(paragraph, "\n") {
			p.request("", line)
		}
	}
}

// block keeps lines as they are.
func (p *page) block(s string) {
	p.raw(".PP\n.nf")
	for line := range strings.SplitSeq(strings.Trim(s, "\n"), "\n") {
		p.request("", line)
	}
	p.raw(".fi")
}

// escapeRoff makes a line of text safe: backslashes, hyphens that are to be copied as such, and what would be a macro at its begin.
func escapeRoff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...", `"`, `\(dq`, "'", `\(aq`, "^", `\(ha`, "~", `\(ti`).Replace(s)
	if strings.HasPrefix(s, ".") {
		return `\&` + s
	}
	return s
}
