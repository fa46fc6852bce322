// SPDX-License-Identifier: GPL-2.0-or-later

package archivegen

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"testing"

	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/format/mbox"
	"patchwork.example/pw/internal/format/subject"
)

func TestWrite(t *testing.T) {
	var a, b bytes.Buffer
	o := Options{Mails: 2000, Seed: 7, List: "kettle.lists.example"}
	made, err := Write(&a, o)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Write(&b, o); err != nil || again != made || sha256.Sum256(a.Bytes()) != sha256.Sum256(b.Bytes()) {
		t.Errorf("the same seed gives %+v and %+v, %v", made, again, err)
	}
	if made.Bytes != int64(a.Len()) || made.Bytes/2000 < 2500 || made.Bytes/2000 > 3500 {
		t.Errorf("%d bytes, %d written: want about 3 kB a mail", a.Len(), made.Bytes)
	}
	got := Made{Bytes: made.Bytes, Series: made.Series}
	ids := map[string]bool{}
	for r := mbox.NewReader(&a, 1<<20); ; got.Mails++ {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		msg := mailmsg.Parse(m.Raw)
		s := subject.Parse(msg.Header.Get("Subject"), "kettle")
		text, _ := msg.Parts[0].Text()
		_, d := diff.Split([]byte(text))
		switch {
		case s.Reply:
			got.Comments++
		case s.Numbered && s.Number == 0:
			got.Covers++
		case d != nil && diff.Sound(d):
			got.Patches++
		default:
			t.Fatalf("neither patch nor anything else:\n%s", m.Raw)
		}
		ids[msg.ID()] = true
	}
	if got != made || len(ids) != 2000 || got.Comments < 500 || got.Covers < 100 || made.Series < 300 {
		t.Errorf("it says %+v; read are %+v with %d different ids", made, got, len(ids))
	}
}

// TestPatches wants so many patches, and few replies.
func TestPatches(t *testing.T) {
	made, err := Write(io.Discard, Options{Patches: 1000, Few: true, Seed: 7, List: "kettle.lists.example"})
	if err != nil || made.Patches != 1000 || made.Comments < 200 || made.Comments > 800 {
		t.Errorf("%+v, %v", made, err)
	}
}
