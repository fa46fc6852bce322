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

// Axe gives what axe-core finds wrong in the page as it is shown now; nil: nothing. The window is as high as the page meanwhile: what lies half under a bar that stays in sight while
// one scrolls is not too small, it is not scrolled to; that the focus is never there is what Unfocused looks at.
func (p *Tab) Axe() []string {
	p.t.Helper()
	now, whole := p.view, p.view
	whole.Height = max(now.Height, Eval[int](p, `document.documentElement.scrollHeight`))
	p.Look(whole)
	defer p.Look(now)
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

// unfocused goes to each element that the keyboard can reach, and lists those that have the focus unseen: without a line around them of two pixels at least, out of view, or under
// something else (WCAG 2.2, 2.4.7 and 2.4.11). Those that are not laid out, as in a closed fold, can't be reached.
const unfocused = `(() => {
	const out = [], list = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
	for (const e of list) {
		e.focus();
		if (document.activeElement !== e || !e.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true})) continue;
		const s = getComputedStyle(e), all = [...e.getClientRects()].filter(r => r.width > 0 && r.height > 0), name = e.tagName + "." + e.className + " " + (e.ariaLabel || e.name || e.textContent).trim().slice(0, 40);
		if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) out.push(name + ": no focus to be seen");
		const seen = all.some(r => {
			const left = Math.max(r.left, 0), right = Math.min(r.right, innerWidth), top = Math.max(r.top, 0), bottom = Math.min(r.bottom, innerHeight);
			if (left >= right || top >= bottom) return false;
			return [0.1, 0.5, 0.9].some(x => [0.1, 0.5, 0.9].some(y => {
				const at = document.elementFromPoint(left + (right - left) * x, top + (bottom - top) * y);
				return at && (e.contains(at) || at.contains(e) && at.tagName !== "HTML" && at.tagName !== "BODY" && at.tagName !== "MAIN");
			}));
		});
		if (!seen) out.push(name + ": has the focus unseen");
		if (e.tabIndex > 0) out.push(name + ": changes the order of the focus");
	}
	return out.slice(0, 5);
})()`

// Unfocused lists elements that get the focus by keyboard without being seen, five at most; nil: none.
func (p *Tab) Unfocused() []string {
	p.t.Helper()
	Eval[any](p, `document.querySelector("a, button, input")?.focus(); null`) // not from the last one, where the focus would leave the page
	p.Press("\t")                                                             // from now on it is the keyboard that moves the focus
	found := Eval[[]string](p, unfocused)
	if len(found) == 0 {
		return nil
	}
	return found
}

// moving lists what changes by itself or not at once.
const moving = `[...document.querySelectorAll("*")].filter(e => {
	const s = getComputedStyle(e);
	return s.animationName !== "none" || s.transitionDuration.split(",").some(d => parseFloat(d) > 0) || s.scrollBehavior !== "auto";
}).slice(0, 5).map(e => e.tagName + "." + e.className)`

// Moving lists elements that move or scroll smoothly, five at most; nil: none.
func (p *Tab) Moving() []string {
	p.t.Helper()
	found := Eval[[]string](p, moving)
	if len(found) == 0 {
		return nil
	}
	return found
}
