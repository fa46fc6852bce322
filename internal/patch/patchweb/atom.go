// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/web"
)

// feed is an Atom feed (RFC 4287), its newest entries first.
type feed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Title   string      `xml:"title"`
	ID      string      `xml:"id"`
	Updated string      `xml:"updated"`
	Links   []feedLink  `xml:"link"`
	Author  feedPerson  `xml:"author"` // of entries that name none
	Entries []feedEntry `xml:"entry"`
}

type feedEntry struct {
	Title     string       `xml:"title"`
	ID        string       `xml:"id"`
	Published string       `xml:"published"`
	Updated   string       `xml:"updated"`
	Author    *feedPerson  `xml:"author"`
	Link      feedLink     `xml:"link"`
	Summary   *feedSummary `xml:"summary"`
}

type feedLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type feedPerson struct {
	Name string `xml:"name"`
}

type feedSummary struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// atomType is the media type of a feed.
const atomType = "application/atom+xml"

// How many entries a feed has, and may have.
const (
	feedLength    = 50
	maxFeedLength = 100
)

// sendFeed answers with a feed of the page at a path of the site. at is its own path, without what changes nothing in it but its length. It has nothing that depends on the time of the
// request, so that a reader who has it is told so.
func sendFeed(c *web.Call, title, at, path string, entries []feedEntry) error {
	self := c.Base() + c.R.URL.RequestURI()
	f := feed{Title: title, ID: c.Base() + at, Updated: clock.Time(0).String(), Author: feedPerson{"Patchwork"}, Entries: entries,
		Links: []feedLink{{"self", atomType, self}, {"alternate", "text/html", c.Base() + path}}}
	for _, e := range entries {
		f.Updated = max(f.Updated, e.Updated)
	}
	text, err := xml.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("write feed: %w", err)
	}
	c.Send(atomType+"; charset=utf-8", append([]byte(xml.Header), append(text, '\n')...))
	return nil
}

// entry is one about the page at a path of the site.
func entry(c *web.Call, id, title, path, author string, published, updated clock.Time) feedEntry {
	e := feedEntry{Title: title, ID: id, Published: published.String(), Updated: updated.String(), Link: feedLink{"alternate", "text/html", c.Base() + path}}
	if author != "" {
		e.Author = &feedPerson{author}
	}
	return e
}

// siteTag names what has a number on this site (RFC 4151). It depends on the name of the site, as the number does.
func siteTag(c *web.Call, of string, id int64) string {
	host := "localhost"
	if u, err := url.Parse(c.Base()); err == nil && u.Hostname() != "" {
		host = strings.ToLower(u.Hostname())
	}
	return fmt.Sprintf("tag:%s,2026:%s/%d", host, of, id)
}

// mailURI names a mail by its Message-ID (RFC 2392): it is the same wherever the site is.
func mailURI(msgid string) string {
	return "mid:" + url.PathEscape(strings.TrimSuffix(strings.TrimPrefix(msgid, "<"), ">"))
}

// Of a text a feed has so much, in characters; more is read, since what is below the message is not shown.
const (
	summaryLength = 1000
	summaryRead   = 2000
)

// summary is how the message of a mail begins, without what follows its "---".
func summary(text string) *feedSummary {
	lines, _, _ := messageParts(textLines(text), false)
	for i := range lines {
		lines[i] = visible(strings.ReplaceAll(lines[i], "\t", " "))
	}
	short := []rune(strings.TrimSpace(strings.Join(lines, "\n")))
	if len(short) == 0 {
		return nil
	}
	if len(short) > summaryLength {
		short = append(short[:summaryLength], '…')
	}
	return &feedSummary{"text", string(short)}
}
