// SPDX-License-Identifier: GPL-2.0-or-later

package browser

import "fmt"

// axeAll are the rules of WCAG 2.2 up to level AA and axe-core's own good practices.
const axeAll = `{runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
	rules: {"target-size": {enabled: true}}, resultTypes: ["violations"]}`

// axeColours are the rules whose answer is another in another theme.
const axeColours = `{runOnly: ["color-contrast", "link-in-text-block"], resultTypes: ["violations"]}`

// axeRun gives a line for each element that breaks a rule, of three elements at most per rule.
const axeRun = `axe.run(document, %s).then(r => r.violations.flatMap(v => v.nodes.slice(0, 3).map(n =>
	v.id + ": " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " "))))`

// Axe gives what axe-core finds wrong in the page as it is shown now; nil: nothing.
func (p *Tab) Axe() []string {
	p.t.Helper()
	return p.runAxe(axeAll)
}

// AxeColours is Axe of the colours alone: enough, and quicker, where another theme of the same page passed all.
func (p *Tab) AxeColours() []string {
	p.t.Helper()
	return p.runAxe(axeColours)
}

func (p *Tab) runAxe(options string) []string {
	p.t.Helper()
	if !Eval[bool](p, `"axe" in window`) {
		Eval[any](p, p.b.axe+"\n;null")
	}
	found := Eval[[]string](p, fmt.Sprintf(axeRun, options))
	if len(found) == 0 {
		return nil
	}
	return found
}

// overflow finds what sticks out of the page to the right, innermost elements first.
const overflow = `(() => {
	const page = document.scrollingElement, wide = page.scrollWidth - page.clientWidth;
	if (wide <= 0) return "";
	const out = [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > page.clientWidth + 0.5);
	return wide + " px too wide: " + out.slice(-3).map(e => e.tagName + "." + e.className + " " + e.textContent.slice(0, 40)).join(" | ");
})()`

// Overflow says what makes the page wider than the window; empty: nothing.
func (p *Tab) Overflow() string {
	p.t.Helper()
	return Eval[string](p, overflow)
}

// Focused describes the element that has the focus: its tag, and its text, name or label.
func (p *Tab) Focused() string {
	p.t.Helper()
	return Eval[string](p, `(e => e.tagName.toLowerCase() + " " + (e.getAttribute("aria-label") || e.name || e.innerText || "").trim())(document.activeElement)`)
}

// Has tells how many elements a CSS selector finds.
func (p *Tab) Has(selector string) int {
	p.t.Helper()
	return Eval[int](p, fmt.Sprintf(`document.querySelectorAll(%q).length`, selector))
}
