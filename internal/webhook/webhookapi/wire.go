// SPDX-License-Identifier: GPL-2.0-or-later

package webhookapi

import (
	"fmt"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
	"patchwork.example/pw/internal/webhook"
)

// Webhook is a hook as the API shows it. url is the address that is told, as in the 4.0 release candidates; api_url is that of the object itself.
type Webhook struct {
	ID            int64         `json:"id"`
	APIURL        string        `json:"api_url"`
	Project       *rest.Project `json:"project"`
	URL           string        `json:"url"`
	Events        []string      `json:"events"` // empty: all
	States        []string      `json:"states"`
	CheckStates   []string      `json:"check_states"`
	CheckContexts []string      `json:"check_contexts"`
	Tags          []string      `json:"tags"`
	Active        bool          `json:"active"`
	HasSecret     bool          `json:"has_secret"`
	Creator       *rest.User    `json:"creator"`
	Created       string        `json:"created"`
	Pending       int           `json:"pending"` // deliveries that wait
	Failures      int           `json:"failures"`
	FailingSince  *string       `json:"failing_since"`
	LastDelivered *string       `json:"last_delivered"`
	Disabled      *string       `json:"disabled"` // when it was switched off because of its failures
	Reason        string        `json:"disabled_reason"`
	Deliveries    string        `json:"deliveries"`
}

// created is a hook with its secret, which only the answer to its creation shows.
type created struct {
	Webhook
	Secret string `json:"secret"`
}

// Delivery is one message to one hook.
type Delivery struct {
	ID       int64   `json:"id"`
	URL      string  `json:"url"`
	Event    *int64  `json:"event"` // number of the event; null: a ping
	Category string  `json:"category"`
	State    string  `json:"state"` // pending, delivered, failed or cancelled
	Attempts int     `json:"attempts"`
	Created  string  `json:"created"`
	Finished *string `json:"finished"`
	Error    string  `json:"error"` // of the last attempt
}

// DeliveryDetail is a delivery with all that was sent and answered.
type DeliveryDetail struct {
	Delivery
	Body    string    `json:"body"`
	History []Attempt `json:"history"` // the latest first
}

// Attempt is one try.
type Attempt struct {
	Number   int     `json:"number"`
	Date     string  `json:"date"`
	Duration float64 `json:"duration"` // in seconds
	Request  string  `json:"request_headers"`
	Status   *int    `json:"status"` // null: no answer
	Response string  `json:"response_headers"`
	Body     string  `json:"response_body"`
	Cut      bool    `json:"response_cut"`
	Error    string  `json:"error"` // empty: delivered
}

func wireHook(c *rest.Call, p project.Project, h webhook.Hook, creator *account.User) Webhook {
	self := hookURL(c, p, h.ID)
	return Webhook{ID: h.ID, APIURL: self, Project: rest.EmbedProject(c.API, &p), URL: h.URL, Events: list(h.Categories), States: list(h.Filter.States),
		CheckStates: list(h.Filter.CheckStates), CheckContexts: list(h.Filter.CheckContexts), Tags: list(h.Filter.Tags), Active: h.Active, HasSecret: h.HasSecret(),
		Creator: rest.EmbedUser(c.API, creator), Created: rest.Date(h.CreatedAt), Pending: h.Pending, Failures: h.Failures, FailingSince: rest.DateOrNil(h.FailingSince),
		LastDelivered: rest.DateOrNil(h.DeliveredAt), Disabled: rest.DateOrNil(h.DisabledAt), Reason: h.DisabledReason, Deliveries: self + "deliveries/"}
}

func list(s []string) []string { return append([]string{}, s...) }

func wireDelivery(c *rest.Call, at place, d webhook.Delivery) Delivery {
	out := Delivery{ID: d.ID, URL: fmt.Sprintf("%sdeliveries/%d/", hookURL(c, at.project, at.hook.ID), d.ID), Category: d.Kind, State: d.State, Attempts: d.Attempts,
		Created: rest.Date(d.CreatedAt), Finished: rest.DateOrNil(d.FinishedAt), Error: d.Error}
	if d.Event != 0 {
		out.Event = &d.Event
	}
	return out
}

func wireAttempt(a webhook.Attempt) Attempt {
	out := Attempt{Number: a.Number, Date: rest.Date(a.At), Duration: a.Took.Seconds(), Request: a.Request, Response: a.Response, Body: text(a.Body), Cut: a.Cut, Error: a.Error}
	if a.Status != 0 {
		out.Status = &a.Status
	}
	return out
}

// text shows what is no UTF-8 as replacement characters.
func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string([]rune(string(b)))
}
