// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/fault"
)

const (
	maxBody  = 1 << 20 // bytes
	maxItems = 1000    // of a list in a body
)

// Body is the fields that a client sent, from JSON or a form. Its methods give nil for a field that was not sent; what is wrong with a field is
// kept for Err. Fields that nobody asks for are ignored.
type Body struct {
	object map[string]any
	form   map[string][]string
	wrong  FieldErrors
}

// Body reads the body of the request. An empty one has no fields.
func (c *Call) Body() (*Body, error) {
	b := &Body{wrong: FieldErrors{}}
	kind, _, err := mime.ParseMediaType(c.R.Header.Get("Content-Type"))
	c.R.Body = http.MaxBytesReader(c.W, c.R.Body, maxBody)
	switch {
	case err == nil && kind == "application/json":
		return b, b.readJSON(c.R.Body)
	case err == nil && (kind == "application/x-www-form-urlencoded" || kind == "multipart/form-data"):
		return b, b.readForm(c.R, kind)
	}
	raw, rerr := io.ReadAll(c.R.Body)
	if rerr != nil {
		return nil, tooLarge(rerr)
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return b, nil
	}
	return nil, &said{http.StatusUnsupportedMediaType, fmt.Sprintf("Unsupported media type %q in request.", c.R.Header.Get("Content-Type"))}
}

func tooLarge(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return fault.Wrap(fault.TooLarge, err, "a body may have %d bytes", maxBody)
	}
	return &said{http.StatusBadRequest, "The body can't be read."}
}

func (b *Body) readJSON(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return tooLarge(err)
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return &said{http.StatusBadRequest, "JSON parse error - " + err.Error()}
	}
	if _, err := dec.Token(); err != io.EOF {
		return &said{http.StatusBadRequest, "JSON parse error - there is more than one value"}
	}
	object, ok := v.(map[string]any)
	if !ok {
		return FieldErrors{"detail": {"Invalid data. Expected a dictionary, but got " + TypeName(v) + "."}}
	}
	b.object = object
	return nil
}

// TypeName is what Python calls the type of a value.
func TypeName(v any) string {
	switch v := v.(type) {
	case []any:
		return "list"
	case string:
		return "str"
	case bool:
		return "bool"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "float"
		}
		return "int"
	case map[string]any:
		return "dict"
	}
	return "NoneType"
}

func (b *Body) readForm(r *http.Request, kind string) error {
	var err error
	if kind == "multipart/form-data" {
		err = r.ParseMultipartForm(maxBody)
	} else {
		err = r.ParseForm()
	}
	if err != nil {
		return tooLarge(err)
	}
	b.form = r.PostForm
	return nil
}

// Has tells whether a field was sent.
func (b *Body) Has(name string) bool {
	_, object := b.object[name]
	_, form := b.form[name]
	return object || form
}

// Value is what was sent, as encoding/json decodes it, numbers as json.Number: from a form the last text, or a list of texts if wanted.
func (b *Body) Value(name string, list bool) (any, bool) {
	if v, ok := b.form[name]; ok {
		if !list {
			return v[len(v)-1], true
		}
		items := []any{}
		for _, s := range v {
			if s != "" { // how a form sends an empty list
				items = append(items, s)
			}
		}
		return items, true
	}
	v, ok := b.object[name]
	return v, ok
}

// Wrong notes what is wrong with a field.
func (b *Body) Wrong(name, format string, args ...any) {
	b.wrong[name] = append(b.wrong[name], fmt.Sprintf(format, args...))
}

// Err is a FieldErrors, if something is wrong.
func (b *Body) Err() error {
	if len(b.wrong) == 0 {
		return nil
	}
	return b.wrong
}

// Require notes the fields that must be there and are not.
func (b *Body) Require(names ...string) {
	for _, name := range names {
		if !b.Has(name) {
			b.Wrong(name, "This field is required.")
		}
	}
}

// Text is a field that is a text of at most so many characters.
func (b *Body) Text(name string, most int) *string {
	s, null := b.NullText(name, most)
	if null {
		b.Wrong(name, "This field may not be null.")
	}
	return s
}

// NullText is a Text that may also be null.
func (b *Body) NullText(name string, most int) (text *string, null bool) {
	v, ok := b.Value(name, false)
	if !ok || v == nil {
		return nil, ok
	}
	s, ok := v.(string)
	if n, is := v.(json.Number); is { // as Patchwork 3.2 does
		s, ok = n.String(), true
	}
	switch {
	case !ok:
		b.Wrong(name, "Not a valid string.")
	case !utf8.ValidString(s) || strings.Contains(s, "\x00"):
		b.Wrong(name, "Null characters are not allowed.")
	case utf8.RuneCountInString(s) > most:
		b.Wrong(name, "Ensure this field has no more than %d characters.", most)
	default:
		return &s, false
	}
	return nil, false
}

// IsForm tells whether the body was a form: an empty text in one may mean null.
func (b *Body) IsForm() bool { return b.form != nil }

var truths = map[bool][]string{true: {"t", "true", "y", "yes", "on", "1"}, false: {"f", "false", "n", "no", "off", "0"}}

// Bool is a field that is true or false, or one of the words for them that Patchwork 3.2 knows. An empty one in a form is not sent.
func (b *Body) Bool(name string) *bool {
	v, ok := b.Value(name, false)
	if !ok || b.form != nil && v == "" {
		return nil
	}
	var word string
	switch v := v.(type) {
	case nil:
		b.Wrong(name, "This field may not be null.")
		return nil
	case bool:
		return &v
	case json.Number:
		word = v.String()
	case string:
		if l := strings.ToLower(v); v == l || v == strings.ToUpper(v) || v == strings.ToUpper(l[:1])+l[1:] {
			word = l
		}
	}
	for is, words := range truths {
		if slices.Contains(words, word) {
			return &is
		}
	}
	b.Wrong(name, "Must be a valid boolean.")
	return nil
}
