// SPDX-License-Identifier: GPL-2.0-or-later

package webhookweb

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/webhook"
)

func second(t clock.Time) string { return t.Time().Format("2006-01-02 15:04:05") + " UTC" }

func secondOr(t *clock.Time, otherwise string) string {
	if t == nil {
		return otherwise
	}
	return second(*t)
}

// visible shows control characters, and those that turn the text around them, as the replacement character; line ends stay.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n"))
}

// status says in words how a hook does.
func status(h webhook.Hook) string {
	switch {
	case h.DisabledAt != nil:
		return "switched off: " + h.DisabledReason
	case !h.Active:
		return "off"
	case h.Failures > 0:
		return fmt.Sprintf("failing since %s, %d times", secondOr(h.FailingSince, "now"), h.Failures)
	}
	return "on"
}

// statusClass colours what is wrong.
func statusClass(h webhook.Hook) string {
	if h.DisabledAt != nil || h.Failures > 0 {
		return "s3"
	}
	return ""
}

func stateClass(state string) string {
	return map[string]string{webhook.Delivered: "s1", webhook.Failed: "s3"}[state]
}

func events(h webhook.Hook) string {
	if len(h.Categories) == 0 {
		return "all"
	}
	return strings.Join(h.Categories, ", ")
}

func answered(a webhook.Attempt) string {
	if a.Delivered() {
		return fmt.Sprintf("answered %d %s", a.Status, http.StatusText(a.Status))
	}
	return visible(a.Error)
}

func took(a webhook.Attempt) string { return a.Took.Round(time.Millisecond).String() }
