// SPDX-License-Identifier: GPL-2.0-or-later

package browser

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Tab is one tab with cookies of its own. It belongs to one test, which it fails when a page does not answer.
type Tab struct {
	t testing.TB
	*window
}

// window is what tests that have a tab after one another share.
type window struct {
	b   *Browser
	ctx context.Context

	view   View // the last one
	looked bool // view was set in the tab

	mu         sync.Mutex
	complaints []string
}

// patience is how long one step may take.
const patience = time.Minute

// Tab opens an empty tab, and closes it when the test ends.
func (b *Browser) Tab(t testing.TB) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	tab := &Tab{t: t, window: &window{b: b, ctx: ctx}}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		t.Fatal(err)
	}
	command(tab, log.Enable, cdp.Empty{})
	command(tab, runtime.Enable, cdp.Empty{})
	tab.Look(View{Width: 1280, Height: 800})
	return tab
}

// Lend gives the tab to a subtest, which it fails from now on, with no cookies. A page takes half the time to load and to judge where another one of the site was open
// before: process and compiled scripts are there.
func (p *Tab) Lend(t testing.TB) *Tab {
	t.Helper()
	lent := &Tab{t: t, window: p.window}
	command(lent, network.ClearBrowserCookies, cdp.Empty{})
	lent.Look(View{Width: 1280, Height: 800})
	lent.Complaints()
	return lent
}

// hear notes what the console shows as an error: exceptions, breaches of the content security policy, files that don't come.
func (p *Tab) hear(event any) {
	var said string
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelInfo || e.Entry.Level == log.EntryLevelVerbose {
			return // remarks on timing, such as that autofocus came too late
		}
		said = fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *runtime.EventExceptionThrown:
		said = "exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		said = fmt.Sprintf("console.%s", e.Type)
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complaints = append(p.complaints, said)
}

// Complaints gives what the console said since the last call.
func (p *Tab) Complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	said := p.complaints
	p.complaints = nil
	return said
}

// View is how a page is looked at. Sizes are in CSS pixels; below 500 it is a phone.
type View struct {
	Width, Height int
	Dark          bool
	Print         bool // as on paper
	NoScript      bool // with JavaScript switched off
	Forced        bool // in the few colours that the system gives
	Still         bool // for who wants nothing to move
	Zoomed        bool // a desktop's window enlarged so far, not a phone
}

// String names the view for messages.
func (v View) String() string {
	s := fmt.Sprintf("%d px", v.Width)
	if v.Dark {
		s += ", dark"
	}
	if v.Print {
		s += ", print"
	}
	if v.Forced {
		s += ", forced colours"
	}
	if v.Still {
		s += ", reduced motion"
	}
	if v.NoScript {
		s += ", without JavaScript"
	}
	return s
}

func (v View) phone() bool { return v.Width < 500 && !v.Zoomed }

// Look changes the view; the page that is open is laid out anew. Only what differs from the last view is told to Chromium, which does the work again even if it is the same.
func (p *Tab) Look(v View) {
	p.t.Helper()
	old, first := p.view, !p.looked
	p.view, p.looked = v, true
	if first || v.Width != old.Width || v.Height != old.Height || v.phone() != old.phone() {
		command(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: int64(v.Width), Height: int64(v.Height), DeviceScaleFactor: 1, Mobile: v.phone()})
	}
	if first || v.phone() != old.phone() {
		command(p, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: v.phone()})
	}
	if media := v.media(); first || !reflect.DeepEqual(media, old.media()) {
		command(p, emulation.SetEmulatedMedia, media)
	}
	if first || v.NoScript != old.NoScript {
		command(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript})
	}
}

// media is what a style sheet can ask of the view beside its size.
func (v View) media() emulation.SetEmulatedMediaParams {
	theme, media, forced, motion := "light", "", "none", "no-preference"
	if v.Dark {
		theme = "dark"
	}
	if v.Print {
		media = "print"
	}
	if v.Forced {
		forced = "active"
	}
	if v.Still {
		motion = "reduce"
	}
	return emulation.SetEmulatedMediaParams{
		Media: media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "forced-colors", Value: forced}, {Name: "prefers-reduced-motion", Value: motion}}}
}

// Open opens an address, waits until the page is loaded and gives the HTTP status.
func (p *Tab) Open(url string) int {
	p.t.Helper()
	return int(Do(p, chromedp.NavigateResponse(url)).Status)
}

// SetCookie sets a cookie for the site of url.
func (p *Tab) SetCookie(url, name, value string) {
	p.t.Helper()
	command(p, network.SetCookie, network.SetCookieParams{URL: url, Name: name, Value: value})
}

// Press presses keys on what has the focus; "\t" is the tabulator, "\r" the enter key.
func (p *Tab) Press(keys string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	Do(p, chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// PressAndLoad is Press of keys that lead to another page; it waits for it and gives the HTTP status.
func (p *Tab) PressAndLoad(keys string) int {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, chromedp.KeyEvent(keys))
	if err != nil {
		p.t.Fatalf("press %q: %v", keys, err)
	}
	return int(response.Status)
}

// Click clicks in the middle of the first element a CSS selector finds.
func (p *Tab) Click(selector string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	x, y := p.middle(selector)
	Do(p, chromedp.MouseClickXY(x, y, chromedp.ButtonModifiers(modifiers...)))
}

// middle brings the first element a CSS selector finds into view and gives the middle of its first line.
func (p *Tab) middle(selector string) (x, y float64) {
	p.t.Helper()
	at := Eval[[]float64](p, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: "center"});
		const r = e.getClientRects()[0]; return [r.x + r.width / 2, r.y + r.height / 2]; })()`, selector))
	return at[0], at[1]
}

// Tap touches the first element a CSS selector finds, on a phone.
func (p *Tab) Tap(selector string) {
	p.t.Helper()
	x, y := p.middle(selector)
	Do(p, chromedp.TapXY(x, y))
}

// TapAndLoad is Tap of what leads to another page; it waits for it and gives the HTTP status.
func (p *Tab) TapAndLoad(selector string) int {
	p.t.Helper()
	x, y := p.middle(selector)
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, chromedp.TapXY(x, y))
	if err != nil {
		p.t.Fatalf("tap %s: %v", selector, err)
	}
	return int(response.Status)
}

// Picture gives a PNG of what is in view.
func (p *Tab) Picture() []byte {
	p.t.Helper()
	return command(p, page.CaptureScreenshot, page.CaptureScreenshotParams{}).Data
}

// Eval gives the value of a JavaScript expression in the page, also where the page's own scripts are switched off.
func Eval[T any](p *Tab, expression string) T {
	p.t.Helper()
	return Do(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Do runs a step in the tab.
func Do[T any](p *Tab, step chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, step)
	if err != nil {
		p.t.Fatalf("in the browser: %v", err)
	}
	return v
}

func command[P, R any](p *Tab, c cdp.Command[P, R], params P) R {
	p.t.Helper()
	return Do(p, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, c, params) })
}
