// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// imapLook is how many mails are asked for their size at once.
const imapLook = 512

// takeNew takes in the mails after the stored position, in batches. UIDs rise as long as UIDVALIDITY is the same (RFC 9051, 2.3.1.1); if it is another one
// all is read again: what is known changes nothing.
func (b *imapBox) takeNew(ctx context.Context, in *Intake, log *slog.Logger) error {
	state, err := in.state(ctx, b)
	if err != nil {
		return err
	}
	var validity uint32
	var last imap.UID
	if n, _ := fmt.Sscanf(state.Position, "%d %d", &validity, &last); n != 2 || validity != b.validity {
		last = 0
	}
	uids, err := b.after(last)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(uids, imapLook) {
		sizes, err := b.sizes(some)
		if err != nil {
			return err
		}
		for len(some) > 0 {
			n := batchOf(some, sizes, in.limits, b.opt.MailSize)
			if err := b.takeBatch(ctx, in, some[:n], sizes, log); err != nil {
				return err
			}
			some = some[n:]
		}
	}
	return nil
}

// after lists the UIDs above last, rising.
func (b *imapBox) after(last imap.UID) (uids []imap.UID, err error) {
	var above imap.UIDSet
	above.AddRange(last+1, 0)
	err = b.within(imapStep, "look for mail", func() error {
		data, err := b.client.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{above}}, nil).Wait()
		if err == nil {
			uids = data.AllUIDs()
		}
		return err
	})
	uids = slices.DeleteFunc(uids, func(u imap.UID) bool { return u <= last }) // "n:*" names the last mail even if it is below n
	slices.Sort(uids)
	return uids, err
}

// sizes asks how large mails are; those that are gone are missing.
func (b *imapBox) sizes(uids []imap.UID) (map[imap.UID]int64, error) {
	out := map[imap.UID]int64{}
	err := b.within(imapStep, "ask for sizes", func() error {
		found, err := b.client.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, RFC822Size: true}).Collect()
		for _, m := range found {
			out[m.UID] = m.RFC822Size
		}
		return err
	})
	return out, err
}

// batchOf is how many of the mails share a transaction: at least one.
func batchOf(uids []imap.UID, sizes map[imap.UID]int64, l Limits, most int) int {
	n, bytes := 0, int64(0)
	for n < len(uids) && n < l.BatchMails {
		bytes += min(sizes[uids[n]], int64(most))
		if n > 0 && bytes > int64(l.BatchBytes) {
			break
		}
		n++
	}
	return n
}

// takeBatch stores mails, does with them what is to be done on the server, and notes the position, in this order: a kill repeats a step and misses none.
func (b *imapBox) takeBatch(ctx context.Context, in *Intake, uids []imap.UID, sizes map[imap.UID]int64, log *slog.Logger) error {
	mails, err := b.fetch(uids, sizes)
	if err != nil {
		return err
	}
	deliveries := make([]Delivery, 0, len(mails))
	there := imap.UIDSet{}
	for _, m := range mails {
		deliveries = append(deliveries, m.delivery)
		there.AddNum(m.uid)
	}
	if len(mails) > 0 {
		outcomes, err := in.Deliver(ctx, deliveries)
		if err != nil {
			return err
		}
		for i, o := range outcomes {
			log.Debug("mail", "uid", mails[i].uid, "outcome", o.Kind, "known", o.Known, "project", o.Project, "reason", o.Reason)
		}
		log.Info("took in mail", "mails", len(mails))
		if err := b.settle(there); err != nil {
			return err
		}
	}
	return in.advance(ctx, b, fmt.Sprintf("%d %d", b.validity, uids[len(uids)-1]), len(mails))
}

// imapMail is a mail as it was fetched.
type imapMail struct {
	uid      imap.UID
	delivery Delivery
}

// fetch reads mails in the order of their UIDs; those that are gone are left out. Of one that is too large only the beginning is asked for.
func (b *imapBox) fetch(uids []imap.UID, sizes map[imap.UID]int64) (mails []imapMail, err error) {
	var whole imap.UIDSet
	for _, uid := range uids {
		size, there := sizes[uid]
		switch {
		case !there:
		case size <= int64(b.opt.MailSize):
			whole.AddNum(uid)
		default:
			part := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Offset: 0, Size: int64(b.opt.MailSize)}}
			cut, err := b.fetchSet(imap.UIDSetNum(uid), part, true)
			if err != nil {
				return nil, err
			}
			mails = append(mails, cut...)
		}
	}
	if len(whole) > 0 {
		all, err := b.fetchSet(whole, &imap.FetchItemBodySection{Peek: true}, false)
		if err != nil {
			return nil, err
		}
		mails = append(mails, all...)
	}
	slices.SortFunc(mails, func(x, y imapMail) int { return cmp.Compare(x.uid, y.uid) })
	return mails, nil
}

func (b *imapBox) fetchSet(set imap.UIDSet, section *imap.FetchItemBodySection, cut bool) (mails []imapMail, err error) {
	err = b.within(imapFetch, "fetch mails", func() error {
		cmd := b.client.Fetch(set, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
		for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
			m, err := b.read(msg, cut)
			if err != nil {
				cmd.Close()
				return err
			}
			if m.uid != 0 && len(m.delivery.Raw) > 0 { // else it tells of something that was not asked, such as flags
				mails = append(mails, m)
			}
		}
		return cmd.Close()
	})
	return mails, err
}

// read takes the items of one mail. A server that sends more than it said is not believed.
func (b *imapBox) read(msg *imapclient.FetchMessageData, cut bool) (m imapMail, err error) {
	for item := msg.Next(); item != nil; item = msg.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			m.uid = item.UID
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil {
				continue
			}
			raw, err := io.ReadAll(io.LimitReader(item.Literal, int64(b.opt.MailSize)+1))
			if err != nil {
				return m, err
			}
			if len(raw) > b.opt.MailSize {
				raw, cut = raw[:b.opt.MailSize], true
			}
			m.delivery = Delivery{Raw: plainLines(raw), Via: "imap", ListID: b.opt.ListID, Cut: cut}
		}
	}
	return m, nil
}

// settle marks or moves mails that are stored.
func (b *imapBox) settle(uids imap.UIDSet) error {
	if b.opt.Seen {
		seen := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}
		if err := b.within(imapStep, "mark as seen", func() error { return b.client.Store(uids, seen, nil).Close() }); err != nil {
			return err
		}
	}
	if b.opt.MoveTo == "" {
		return nil
	}
	return b.within(imapStep, "move to "+b.opt.MoveTo, func() error {
		_, err := b.client.Move(uids, b.opt.MoveTo).Wait()
		return err
	})
}
