// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"bytes"
	"strings"
)

// walker collects the leaves of the MIME tree of one mail.
type walker struct {
	msg      *Message
	nodes    int
	inflated int // bytes that its compressed parts became
}

// walk visits the entity made of a header and a body. byDefault is its type when it names none.
func (w *walker) walk(h Header, body []byte, byDefault string, depth int) {
	w.nodes++
	if w.nodes > maxParts {
		w.msg.defect("more than %d MIME parts, the rest is not read", maxParts)
		return
	}
	ct := contentType(h, byDefault)
	switch {
	case depth >= maxDepth:
		w.msg.defect("MIME parts nested deeper than %d are not taken apart", maxDepth)
	case strings.HasPrefix(ct.name, "multipart/"):
		if w.multipart(ct, body, depth) {
			return
		}
		// Without usable boundaries the text is all there is; it must not get lost as a container.
		ct.name = "text/plain"
	case ct.name == "message/rfc822" || ct.name == "message/global" || ct.name == "message/news":
		w.attachedMail(h, body, depth)
		return
	case isSMIME(ct):
		if w.smime(h, body, depth) {
			return
		}
	}
	w.appendPart(w.msg.newPart(h, ct, body))
}

// attachedMail visits the mail inside a message/rfc822 part.
func (w *walker) attachedMail(h Header, body []byte, depth int) {
	data := skipLead(w.msg.transferDecode(h, body))
	inner, rest := w.msg.readHeader(data)
	w.walk(inner, rest, "text/plain", depth+1)
}

// multipart visits the parts between the boundary lines; false means that there is none.
func (w *walker) multipart(ct mediaType, body []byte, depth int) bool {
	boundary := strings.TrimRight(ct.params["boundary"], " \t\r\n")
	if boundary == "" {
		w.msg.defect("%s without a boundary is read as text", ct.name)
		return false
	}
	delim := []byte("--" + boundary)
	first, ok := nextDelimiter(body, delim, 0)
	if !ok || first.closing {
		w.msg.defect("%s without its boundary lines is read as text", ct.name)
		return false
	}
	byDefault := "text/plain"
	if ct.name == "multipart/digest" {
		byDefault = "message/rfc822"
	}
	for pos, more := first.end, true; more && w.nodes <= maxParts; {
		next, found := nextDelimiter(body, delim, pos)
		part := body[pos:]
		if found {
			part = withoutLineEnd(body[pos:next.start])
		} else {
			w.msg.defect("%s without its closing boundary", ct.name)
		}
		h, inner := w.msg.readHeader(part)
		w.walk(h, inner, byDefault, depth+1)
		pos, more = next.end, found && !next.closing
	}
	return true
}

// delimiter is one boundary line, at body[start:end].
type delimiter struct {
	start, end int
	closing    bool
}

// nextDelimiter finds the next line that is the delimiter alone, give or take "--" and trailing white space.
func nextDelimiter(body, delim []byte, pos int) (delimiter, bool) {
	for {
		i := bytes.Index(body[pos:], delim)
		if i < 0 {
			return delimiter{start: len(body), end: len(body)}, false
		}
		start := pos + i
		pos = start + len(delim)
		if start > 0 && body[start-1] != '\n' {
			continue
		}
		rest, closing := bytes.CutPrefix(body[pos:], []byte("--"))
		for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r') {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return delimiter{start, len(body), closing}, true
		}
		if rest[0] == '\n' {
			return delimiter{start, len(body) - len(rest) + 1, closing}, true
		}
	}
}

// withoutLineEnd strips the line end before a boundary, which belongs to the boundary (RFC 2046 §5.1.1).
func withoutLineEnd(part []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(part, []byte("\n")), []byte("\r"))
}
