// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// What public-inbox offers of a message, at the same places: its thread, as a file and as a page, and its mail; and a page of its headers, which it does not.
const (
	threadFile  = "t.mbox.gz"
	threadPage  = "T"
	rawFile     = "raw"
	headersPage = "headers"
	allPatches  = "patches.mbox" // of those attached to a mail; public-inbox has none
)

// message answers /project/NAME/MESSAGE-ID and what is below it, as an archive of public-inbox does, so that b4 can fetch mails from here. In a browser it
// leads to the page on which the mail is shown.
func (p *Pages) message(mux *http.ServeMux) func(*web.Call) error {
	return func(c *web.Call) error {
		path := c.R.URL.EscapedPath()
		if !strings.HasSuffix(path, "/") && hasPage(mux, c.R, path+"/") {
			return c.Redirect(http.StatusMovedPermanently, withQuery(path+"/", c))
		}
		pr, err := p.project(c)
		if err != nil {
			return err
		}
		t := parseMessage(path)
		find := func(ids []string) (*mailstore.Message, error) {
			return mailstore.First(c.R.Context(), p.db, pr.ID, func(m *mailstore.Message) bool { return !m.Hidden }, ids...)
		}
		m, err := find(t.ids)
		if part, of := parsePart(path); part > 0 && t.download == "" && fault.Is(err, fault.NotFound) {
			if m, err = find(of.ids); err == nil {
				return p.attachedFile(c, m, part)
			}
		}
		switch {
		case err != nil:
			return err
		case t.download == allPatches:
			return p.attachedPatches(c, m)
		case t.download == threadFile:
			return p.thread(c, pr, m)
		case (t.download == threadPage || t.download == headersPage) && !strings.HasSuffix(path, "/"):
			return c.Redirect(http.StatusMovedPermanently, withQuery(path+"/", c))
		case t.download == threadPage:
			return p.showThread(c, pr, m)
		case t.download == headersPage:
			return p.showHeaders(c, pr, m)
		case t.download == rawFile:
			return p.rawMail(c, m)
		case !strings.HasSuffix(path, "/"):
			return c.Redirect(http.StatusFound, c.Base()+messagePath(pr, m)) // b4 takes the address as it stands and puts the file's name behind it
		}
		return p.toPage(c, pr, m)
	}
}

// hasPage tells whether the mux has a page of its own at another path.
func hasPage(mux *http.ServeMux, r *http.Request, escaped string) bool {
	u := *r.URL
	var err error
	if u.Path, err = url.PathUnescape(escaped); err != nil {
		return false
	}
	u.RawPath = escaped
	other := *r
	other.URL = &u
	_, pattern := mux.Handler(&other)
	return pattern != "" && pattern != "/" && pattern != messagePattern
}

func messagePath(pr project.Project, m *mailstore.Message) string {
	return messageURL(pr.Linkname, wholeID(m))
}

// messageURL is the address of a mail, whatever it is.
func messageURL(linkname, msgid string) string {
	return "/project/" + url.PathEscape(linkname) + "/" + patch.PathID(msgid) + "/"
}

// wholeID is the Message-ID of a message, however long.
func wholeID(m *mailstore.Message) string { return cmp.Or(m.LongID, m.MsgID) }

// toPage leads to where a message is shown: a reply on the page of its patch or cover letter. One that is shown nowhere yet is shown as it came.
func (p *Pages) toPage(c *web.Call, pr project.Project, m *mailstore.Message) error {
	if m.Kind == patch.KindPatch || m.Kind == patch.KindCover {
		return c.Redirect(http.StatusFound, patch.PagePath(pr.Linkname, m.Kind, wholeID(m)))
	}
	at, err := patch.PlaceOfReply(c.R.Context(), p.db, m.ID)
	if fault.Is(err, fault.NotFound) {
		return c.Redirect(http.StatusFound, messagePath(pr, m)+rawFile)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusFound, patch.PagePath(at.Project, at.Kind, at.MsgID)+"#"+strconv.FormatInt(at.Comment, 10))
}

// thread answers with all mails of a thread.
func (p *Pages) thread(c *web.Call, pr project.Project, m *mailstore.Message) error {
	posts, err := mailstore.Thread(c.R.Context(), p.db, pr.ID, m.Thread)
	if err != nil {
		return err
	}
	return p.sendThread(c, posts, patchmail.FileName(strings.Trim(m.MsgID, "<>"), m.ID, ".mbox.gz"))
}

func (p *Pages) sendThread(c *web.Call, posts []mailstore.Post, file string) error {
	h := c.W.Header()
	h.Set("Content-Type", "application/gzip")
	h.Set("Content-Disposition", "attachment; filename="+file)
	h.Set("Cache-Control", "private, no-cache")
	tag := threadTag(posts)
	h.Set("ETag", tag)
	if strings.Contains(c.R.Header.Get("If-None-Match"), tag) {
		c.W.WriteHeader(http.StatusNotModified)
		return nil
	}
	if c.R.Method == http.MethodHead {
		return nil
	}
	z := gzip.NewWriter(c.W)
	if err := patchmail.WriteThread(c.R.Context(), p.db, z, posts); err != nil {
		return err
	}
	return z.Close()
}

// threadTag names the content of a thread by that of its mails. It is a weak one: the file may be compressed in another way tomorrow.
func threadTag(posts []mailstore.Post) string {
	h := sha256.New()
	for _, p := range posts {
		binary.Write(h, binary.BigEndian, []int64{p.Message, p.Mail.ID})
		h.Write(p.Mail.SHA256[:])
	}
	return `W/"` + hex.EncodeToString(h.Sum(nil)[:16]) + `"`
}

// rawMail answers with one mail as it was received.
func (p *Pages) rawMail(c *web.Call, m *mailstore.Message) error {
	post, err := mailstore.PostOf(c.R.Context(), p.db, m.ID)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := patchmail.WriteThread(c.R.Context(), p.db, &b, []mailstore.Post{post}); err != nil {
		return err
	}
	sum := sha256.Sum256(b.Bytes())
	h := c.W.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	http.ServeContent(c.W, c.R, "", time.Time{}, bytes.NewReader(b.Bytes()))
	return nil
}
