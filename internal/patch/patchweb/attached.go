// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/web"
)

// attachedFile answers with a file of a mail, MESSAGE-ID/2-x.patch, as it was sent. What is no text is only to be kept: nothing that a stranger has sent is run or shown by a browser
// as if it were of this site.
func (p *Pages) attachedFile(c *web.Call, m *mailstore.Message, part int) error {
	files, err := patchmail.ReadCarried(c.R.Context(), p.db, m.ID)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Part != part {
			continue
		}
		kind := "application/octet-stream"
		if (f.Patch || strings.HasPrefix(f.Type, "text/")) && !bytes.ContainsRune(f.Body[:min(len(f.Body), 8<<10)], 0) && !packed(f.Name) {
			kind = "text/plain; charset=utf-8"
		} else {
			c.W.Header().Set("Content-Disposition", "attachment; filename="+patchmail.FileName(f.Name, int64(f.Part), ""))
		}
		return sendBytes(c, kind, f.Body)
	}
	return fault.New(fault.NotFound, "the mail has no file %d", part)
}

// attachedPatches answers with all patches that are attached to a mail as one mbox file.
func (p *Pages) attachedPatches(c *web.Call, m *mailstore.Message) error {
	all, err := patchmail.AttachedPatches(c.R.Context(), p.db, m.ID)
	if err != nil {
		return err
	}
	c.W.Header().Set("Content-Disposition", "attachment; filename="+patchmail.FileName(strings.Trim(m.MsgID, "<>"), m.ID, ".mbox"))
	return sendBytes(c, "application/mbox", all)
}

func sendBytes(c *web.Call, kind string, body []byte) error {
	sum := sha256.Sum256(body)
	h := c.W.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	http.ServeContent(c.W, c.R, "", time.Time{}, bytes.NewReader(body))
	return nil
}

func packed(name string) bool {
	return strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".xz") || strings.HasSuffix(name, ".bz2") || strings.HasSuffix(name, ".zst")
}

// files are what a mail carries, as pages show it.
type files struct {
	list            []mailstore.Attachment
	linkname, msgid string
}

func filesOf(linkname string, m *patch.Mail) files { return files{m.Files(), linkname, m.MsgID} }

func (f files) patches() (n int) {
	for _, a := range f.list {
		if a.Patch {
			n++
		}
	}
	return n
}

func (f files) url(a mailstore.Attachment) string { return patch.FilePath(f.linkname, f.msgid, a) }

// all is the address of the patches in one file.
func (f files) all() string {
	return "/project/" + url.PathEscape(f.linkname) + "/" + patch.PathID(f.msgid) + "/" + allPatches
}

// name is what the sender called a file, or its type.
func (f files) name(a mailstore.Attachment) string { return cmp.Or(a.Name, a.Type) }

func patchesText(n int) string {
	if n == 1 {
		return "The patch"
	}
	return fmt.Sprintf("All %d patches", n)
}

func sizeText(n int) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}
