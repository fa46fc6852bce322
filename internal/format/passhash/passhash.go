// SPDX-License-Identifier: GPL-2.0-or-later

package passhash

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// What new passwords cost: 19 MiB, the second choice of OWASP's password
// storage cheat sheet.
const (
	memoryKiB  = 19456
	passes     = 2
	lanes      = 1
	saltLength = 16
	keyLength  = 32
)

// MaxLength is the longest password, in bytes.
const MaxLength = 4096

// unusable is what a stored password that nothing matches begins with.
const unusable = "!"

var (
	// ErrTooLong is the answer of Hash to a password over MaxLength.
	ErrTooLong = errors.New("the password is longer than 4096 bytes")
	// ErrUnknown is wrapped when the stored form is of no known hasher.
	ErrUnknown = errors.New("unknown password hasher")
	// ErrMalformed is wrapped when the stored form is not complete.
	ErrMalformed = errors.New("malformed password hash")
	// ErrTooCostly is wrapped when checking would take unreasonable time or
	// memory.
	ErrTooCostly = errors.New("password hash with unreasonable cost")
)

// Hash returns the form of password to store:
// $argon2id$v=19$m=19456,t=2,p=1$salt$key. It fails only with ErrTooLong.
func Hash(password string) (string, error) {
	if len(password) > MaxLength {
		return "", ErrTooLong
	}
	salt := make([]byte, saltLength)
	rand.Read(salt) // never fails, see crypto/rand
	key := argon2.IDKey([]byte(password), salt, passes, memoryKiB, lanes, keyLength)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// Unusable returns a stored form that no password matches, another one at
// each call so that it can't be told from a set one by comparing accounts.
func Unusable() string { return unusable + rand.Text() }

// Verify reports whether password is the one that encoded was made of, and
// whether encoded should be replaced by Hash(password): only when ok, and made
// by another hasher or with other parameters than Hash uses. An unusable or
// empty encoded matches nothing without an error. An error wraps ErrUnknown,
// ErrMalformed or ErrTooCostly and never quotes encoded.
func Verify(password, encoded string) (ok, upgrade bool, err error) {
	if encoded == "" || strings.HasPrefix(encoded, unusable) || len(password) > MaxLength {
		return false, false, nil
	}
	if len(encoded) > MaxLength {
		return false, false, ErrMalformed
	}
	ok, err = check(password, encoded)
	if err != nil {
		return false, false, err
	}
	return ok, ok && !current(encoded), nil
}

// current reports whether encoded was made with the parameters of Hash.
func current(encoded string) bool {
	h, err := parseArgon2(strings.TrimPrefix(encoded, "$"))
	return err == nil && strings.HasPrefix(encoded, "$argon2id$") && h.memory == memoryKiB && h.passes == passes &&
		h.lanes == lanes && len(h.salt) == saltLength && len(h.key) == keyLength
}

// check finds the hasher that encoded names.
func check(password, encoded string) (ok bool, err error) {
	if strings.HasPrefix(encoded, "$argon2") {
		return checkArgon2(password, encoded[1:])
	}
	if len(encoded) == 32 && !strings.Contains(encoded, "$") {
		return checkDigest(password, "md5", "$"+encoded)
	}
	algorithm, rest, _ := strings.Cut(encoded, "$")
	switch algorithm {
	case "pbkdf2_sha256", "pbkdf2_sha1":
		return checkPBKDF2(password, algorithm, rest)
	case "argon2":
		return checkArgon2(password, rest)
	case "bcrypt", "bcrypt_sha256":
		return checkBcrypt(password, algorithm, rest)
	case "scrypt":
		return checkScrypt(password, rest)
	case "md5", "sha1":
		return checkDigest(password, algorithm, rest)
	}
	return false, ErrUnknown
}

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// number reads a positive decimal number of at most limit.
func number(what, s string, limit int) (int, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%w: %s", ErrTooCostly, what)
	case err != nil || n == 0:
		return 0, fmt.Errorf("%w: %s", ErrMalformed, what)
	case n > uint64(limit):
		return 0, fmt.Errorf("%w: %s %d is over %d", ErrTooCostly, what, n, limit)
	}
	return int(n), nil
}
