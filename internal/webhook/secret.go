// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/fault"
)

// secretPrefix begins a secret in the form of standardwebhooks.com: the base64 of the key follows.
const secretPrefix = "whsec_"

func newSecret() string {
	key := make([]byte, 32)
	rand.Read(key) // never fails, see crypto/rand
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

func validSecret(secret string) error {
	if utf8.RuneCountInString(secret) > 255 || !utf8.ValidString(secret) || strings.ContainsRune(secret, 0) {
		return fault.New(fault.Invalid, "the secret is too long or no text: want at most 255 characters")
	}
	coded, standard := strings.CutPrefix(secret, secretPrefix)
	if !standard {
		return nil
	}
	if key, err := base64.StdEncoding.DecodeString(coded); err != nil || len(key) < 24 || len(key) > 64 {
		return fault.New(fault.Invalid, "a secret that begins with whsec_ is followed by the base64 of 24 to 64 bytes")
	}
	return nil
}

// signPatchwork is the value of X-Patchwork-Signature: the HMAC-SHA256 of the body, keyed with the secret as it is written.
func signPatchwork(secret string, body []byte) string {
	return "sha256=" + hex.EncodeToString(mac([]byte(secret), body))
}

// signStandard is the value of webhook-signature: the HMAC-SHA256 of id, time and body, keyed with the bytes that a whsec_ secret stands for, else with
// the secret as it is written (github.com/standard-webhooks, "Signature scheme").
func signStandard(secret, id string, unix int64, body []byte) string {
	key := []byte(secret)
	if coded, ok := strings.CutPrefix(secret, secretPrefix); ok {
		if raw, err := base64.StdEncoding.DecodeString(coded); err == nil {
			key = raw
		}
	}
	head := id + "." + strconv.FormatInt(unix, 10) + "."
	return "v1," + base64.StdEncoding.EncodeToString(mac(key, []byte(head), body))
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
