// SPDX-License-Identifier: GPL-2.0-or-later

package passhash

import (
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The most that a stored argon2 hash may ask for. Django asks for 100 MiB.
const (
	maxMemoryKiB = 256 << 10
	maxPasses    = 16
	maxLanes     = 64
)

type argon2Hash struct {
	independent           bool // argon2i, not argon2id
	memory, passes, lanes int
	salt, key             []byte
}

func checkArgon2(password, encoded string) (bool, error) {
	h, err := parseArgon2(encoded)
	if err != nil {
		return false, fmt.Errorf("argon2: %w", err)
	}
	derive := argon2.IDKey
	if h.independent {
		derive = argon2.Key
	}
	key := derive([]byte(password), h.salt, uint32(h.passes), uint32(h.memory), uint8(h.lanes), uint32(len(h.key)))
	return equal(key, h.key), nil
}

// parseArgon2 reads argon2id$v=19$m=…,t=…,p=…$salt$key.
func parseArgon2(encoded string) (h argon2Hash, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 5 {
		return h, ErrMalformed
	}
	if parts[0] != "argon2i" && parts[0] != "argon2id" || parts[1] != "v=19" {
		return h, ErrUnknown
	}
	h.independent = parts[0] == "argon2i"
	if err := h.parameters(parts[2]); err != nil {
		return h, err
	}
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[3]); err != nil {
		return h, fmt.Errorf("%w: salt", ErrMalformed)
	}
	// RFC 9106 allows keys of 4 bytes and more; none are shorter than 12 in
	// practice, and a short one would match by chance.
	h.key, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil || len(h.key) < 12 || len(h.key) > 128 {
		return h, fmt.Errorf("%w: key", ErrMalformed)
	}
	return h, nil
}

func (h *argon2Hash) parameters(text string) (err error) {
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		return fmt.Errorf("%w: parameters", ErrMalformed)
	}
	for i, p := range [...]struct {
		name  string
		value *int
		limit int
	}{{"m=", &h.memory, maxMemoryKiB}, {"t=", &h.passes, maxPasses}, {"p=", &h.lanes, maxLanes}} {
		digits, ok := strings.CutPrefix(fields[i], p.name)
		if !ok {
			return fmt.Errorf("%w: parameters", ErrMalformed)
		}
		if *p.value, err = number(p.name, digits, p.limit); err != nil {
			return err
		}
	}
	return nil
}
