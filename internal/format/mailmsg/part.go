// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"strings"
	"unsafe"
)

// Part is one leaf of the MIME tree.
type Part struct {
	Type        string            // media type in lower case; "text/plain" when none or none readable was given
	Charset     string            // as declared, in lower case; "" when none was
	Disposition string            // "inline", "attachment", … in lower case; "" when none was given
	Filename    string            // decoded file name, as the sender wrote it: never a path to open; "" when none
	Params      map[string]string // of the Content-Type, names in lower case, RFC 2231 values decoded; nil when none
	Body        []byte            // after transfer decoding, before character decoding
}

// Text returns the body as valid UTF-8 without NULs, and the lower-case name of the charset that was really used: the declared one if the
// body fits it, else "utf-8", else "windows-1252" ("unknown-8bit" for a mixture of the two). CRs are kept. A part is never dropped. The text shares memory with
// the body where it can.
func (p *Part) Text() (text, charset string) {
	text, charset = toUTF8(p.Body, marked(p.Body, p.Charset))
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "")
	}
	return text, charset
}

// newPart makes the leaf for a header and the body below it.
func (m *Message) newPart(h Header, ct mediaType, body []byte) Part {
	p := Part{Type: ct.name, Params: ct.params, Charset: strings.ToLower(ct.params["charset"])}
	if raw := h.Raw("Content-Disposition"); raw != "" {
		cd := parseMedia(raw)
		p.Disposition = cd.name
		p.Filename = Decode(cd.params["filename"])
	}
	if p.Filename == "" {
		p.Filename = Decode(ct.params["name"])
	}
	p.Body = m.transferDecode(h, body)
	return p
}

// View is b as a string that shares its memory: a mail of 50 MB should not be there twice. It is for bytes that never change again.
func View(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
