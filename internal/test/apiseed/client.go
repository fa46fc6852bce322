// SPDX-License-Identifier: GPL-2.0-or-later

package apiseed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// Client asks a server as it is told to, and follows no redirect.
type Client struct {
	T      testing.TB
	URL    string            // http://127.0.0.1:4711
	Tokens map[string]string // by user name
	Seen   func(Answer)      // is shown each answer; nil: nobody
}

// Answer is what came.
type Answer struct {
	Request         string // METHOD address as who, for messages
	Method, Address string
	Status          int
	Header          http.Header
	Body            string
}

// Do sends a request as user who (empty: anonymous). The address is sent as it is written. A body that begins with { or [ is sent as JSON, any other as a
// form, if there is no header "Content-Type: …" in the list of headers.
func (c Client) Do(who, method, address, body string, header ...string) Answer {
	c.T.Helper()
	var content io.Reader // none, rather than an empty one
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(c.T.Context(), method, c.URL, content)
	if err != nil {
		c.T.Fatal(err)
	}
	req.URL.Opaque = address
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if strings.ContainsAny(body[:1], "{[") {
			req.Header.Set("Content-Type", "application/json")
		}
	}
	if who != "" {
		token := c.Tokens[who]
		if token == "" {
			c.T.Fatalf("nobody is called %s", who)
		}
		req.Header.Set("Authorization", "Token "+token)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.T.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		c.T.Fatal(err)
	}
	a := Answer{method + " " + address + " as " + who, method, address, resp.StatusCode, resp.Header, string(got)}
	if c.Seen != nil {
		c.Seen(a)
	}
	return a
}

// Get is Do of a GET.
func (c Client) Get(who, address string) Answer {
	c.T.Helper()
	return c.Do(who, "GET", address, "")
}

// Missing is what At gives for a place that is not there; JSON's null is nil.
const Missing = "(missing)"

// JSON is the body, decoded; numbers are json.Number. A body that is no JSON is Missing.
func (a Answer) JSON() any {
	dec := json.NewDecoder(bytes.NewReader([]byte(a.Body)))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return Missing
	}
	return v
}

// At is the value at a place in the body: "0.series.0.id". A whole number is an int64.
func (a Answer) At(place string) any {
	v := a.JSON()
	for step := range strings.SplitSeq(place, ".") {
		switch in := v.(type) {
		case map[string]any:
			value, ok := in[step]
			if !ok {
				return Missing
			}
			v = value
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(in) {
				return Missing
			}
			v = in[i]
		default:
			return Missing
		}
	}
	if n, ok := v.(json.Number); ok {
		if i, err := n.Int64(); err == nil {
			return i
		}
	}
	return v
}

// Len is how many objects a list has; -1: it is none.
func (a Answer) Len() int {
	if list, ok := a.JSON().([]any); ok {
		return len(list)
	}
	return -1
}

// IDs are the ids of the objects of a list, in order, such as "[3 1]".
func (a Answer) IDs() string {
	list, ok := a.JSON().([]any)
	if !ok {
		return fmt.Sprintf("%d %.200s", a.Status, a.Body)
	}
	ids := []string{}
	for i := range list {
		ids = append(ids, fmt.Sprint(a.At(strconv.Itoa(i)+".id")))
	}
	return "[" + strings.Join(ids, " ") + "]"
}

// Keys are the keys of an object, in order, such as "id url name"; of a list those of its first object.
func (a Answer) Keys() string {
	dec := json.NewDecoder(strings.NewReader(a.Body))
	tok, err := dec.Token()
	if tok == json.Delim('[') {
		tok, err = dec.Token()
	}
	if err != nil || tok != json.Delim('{') {
		return Missing
	}
	var keys []string
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return Missing
		}
		keys = append(keys, fmt.Sprint(key))
		var skip json.RawMessage
		if dec.Decode(&skip) != nil {
			return Missing
		}
	}
	return strings.Join(keys, " ")
}
