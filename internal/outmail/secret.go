// SPDX-License-Identifier: GPL-2.0-or-later

package outmail

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// Signer signs what must be known again when it comes back: the names of mails, and the links to unsubscribe by. Its key is a row of the
// database, so that all processes have the same.
type Signer struct{ key []byte }

// LoadSigner reads the site's key. The first who asks makes it.
func LoadSigner(ctx context.Context, tx *sqldb.Tx, now clock.Time) (Signer, error) {
	const name = "outmail"
	var s Signer
	find := func() error { return tx.Get(ctx, &s.key, "SELECT value FROM site_secret WHERE name = ?", name) }
	err := find()
	if fault.Is(err, fault.NotFound) {
		fresh := make([]byte, 32)
		rand.Read(fresh) // never fails, see crypto/rand
		err = tx.Upsert(ctx, sqldb.Upsert{Table: "site_secret", Columns: []string{"name", "value", "created_at"}, Key: []string{"name"}}, [][]any{{name, fresh, int64(now)}})
		if err == nil {
			err = find() // another process may have been first
		}
	}
	if err != nil {
		return s, fmt.Errorf("read the site's secret key: %w", err)
	}
	return s, nil
}

// small is base32 in lower case: mail servers may fold the local part of an address.
var small = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// mac is 100 bits that nobody can make who does not know the key.
func (s Signer) mac(purpose, text string) string {
	h := hmac.New(sha256.New, s.key)
	fmt.Fprintf(h, "%s\x00%s", purpose, text)
	return small.EncodeToString(h.Sum(nil))[:20]
}

// Name is the name of a mail that stands in its Message-ID and in the address it is sent from. Nobody can make up one.
func (s Signer) Name(id int64) string {
	n := strconv.FormatInt(id, 36)
	return n + "-" + s.mac("mail", n)
}

var tokenRE = regexp.MustCompile(`([0-9a-z]{1,13})-([0-9a-v]{20})@`)

// mail finds the number of the mail of ours that a text names; 0: none.
func (s Signer) mail(text string) int64 {
	const most = 100 // a bounce names one or two
	for _, found := range tokenRE.FindAllStringSubmatch(strings.ToLower(text), most) {
		id, err := strconv.ParseInt(found[1], 36, 64)
		if err == nil && hmac.Equal([]byte(found[2]), []byte(s.mac("mail", found[1]))) {
			return id
		}
	}
	return 0
}

// UnsubscribePath is the page by which an address stops all notices. It holds no secret but the right to do just that.
func (s Signer) UnsubscribePath(address string) string {
	key := AddressKey(address)
	return "/mail/unsubscribe/" + base64.RawURLEncoding.EncodeToString([]byte(key)) + "." + s.mac("unsubscribe", key) + "/"
}

// Unsubscriber is the address, as AddressKey gives it, whose UnsubscribePath ends with the token; fault.NotFound if we never wrote it.
func (s Signer) Unsubscriber(token string) (string, error) {
	enc, mac, _ := strings.Cut(token, ".")
	key, err := base64.RawURLEncoding.DecodeString(enc)
	if err != nil || !hmac.Equal([]byte(mac), []byte(s.mac("unsubscribe", string(key)))) {
		return "", fault.New(fault.NotFound, "this link is not complete, or not from this site")
	}
	return string(key), nil
}
