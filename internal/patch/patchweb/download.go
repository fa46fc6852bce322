// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
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

// download answers …/mbox/ and …/raw/ of a patch or cover letter.
func (p *Pages) download(c *web.Call, pr project.Project, m *mailstore.Message, what string) error {
	ctx := c.R.Context()
	if what == "diff" && m.Kind == patch.KindPatch {
		return p.diffAlone(c, pr, m)
	}
	if m.Kind == patch.KindCover {
		if what != "mbox" {
			return fault.New(fault.NotFound, "a cover letter has no diff")
		}
		d, err := patch.ReadCover(ctx, p.db, m.ID)
		if err != nil {
			return err
		}
		mails, err := patch.MboxOfCover(ctx, p.db, d.ID)
		if err != nil {
			return err
		}
		return p.sendMbox(c, mails, "text/plain", patchmail.FileName(d.Name, d.ID, ".mbox"))
	}
	d, err := patch.ReadPatch(ctx, p.db, m.ID)
	if err != nil {
		return err
	}
	if what == "raw" {
		return sendDiff(c, d)
	}
	mails, err := p.mboxOf(c, d)
	if err != nil {
		return err
	}
	return p.sendMbox(c, mails, "text/plain; charset=utf-8", patchmail.FileName(d.Name, d.ID, ".patch"))
}

// mboxOf is the patch alone, or with ?series=* or the number of its series those of the series that come before it.
func (p *Pages) mboxOf(c *web.Call, d *patch.Detail) ([]*patch.MboxMail, error) {
	query := c.R.URL.Query()
	if !query.Has("series") {
		return patch.MboxOfPatch(c.R.Context(), p.db, d.ID)
	}
	series := d.Series
	if s := query.Get("series"); s != "*" {
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil || id != d.Series {
			return nil, fault.New(fault.NotFound, "the patch is not in series %q", s)
		}
	}
	if series == 0 {
		return nil, fault.New(fault.NotFound, "the patch is in no series")
	}
	return patch.MboxUpTo(c.R.Context(), p.db, d.ID, series)
}

func (p *Pages) seriesMbox(c *web.Call) error {
	id, err := seriesNumber(c)
	if err != nil {
		return err
	}
	s, err := patch.ReadSeries(c.R.Context(), p.db, id)
	if err != nil {
		return err
	}
	mails, err := patch.MboxOfSeries(c.R.Context(), p.db, id)
	if err != nil {
		return err
	}
	return p.sendMbox(c, mails, "text/plain", patchmail.FileName(s.Name, s.ID, ".patch"))
}

// sendMbox answers with an mbox file, or the part of it that was asked for.
func (p *Pages) sendMbox(c *web.Call, mails []*patch.MboxMail, contentType, file string) error {
	m, err := patchmail.OpenMbox(c.R.Context(), p.db, mails)
	if err != nil {
		return err
	}
	sendFile(c, contentType, file, m.Sum(), m)
	return m.Err()
}

func sendDiff(c *web.Call, d *patch.Detail) error {
	if len(d.Diff) == 0 {
		return fault.New(fault.NotFound, "this patch has no diff")
	}
	sum := sha256.Sum256(d.Diff)
	sendFile(c, "text/x-patch", patchmail.FileName(d.Name, d.ID, ".diff"), hex.EncodeToString(sum[:16]), bytes.NewReader(d.Diff))
	return nil
}

// mostRanges is how many parts of a file one request may ask for: each of them can cost to read a MiB of mails anew.
const mostRanges = 16

// sendFile answers with a file, a part of it, or with 304 or 416; sum names its content. The file's name stands without quotes: git-pw takes all that
// follows the "=" for it.
func sendFile(c *web.Call, contentType, file, sum string, content io.ReadSeeker) {
	if strings.Count(strings.Join(c.R.Header.Values("Range"), ","), ",") >= mostRanges {
		c.R.Header.Del("Range") // all of it is an answer, too (RFC 9110, 14.2)
	}
	h := c.W.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", "attachment; filename="+file)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+sum+`"`)
	http.ServeContent(c.W, c.R, "", time.Time{}, content)
}
