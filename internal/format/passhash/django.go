// SPDX-License-Identifier: GPL-2.0-or-later

package passhash

import (
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// The most that hashes of Django's hashers may ask for. Its own defaults stay
// below a third of these.
const (
	maxIterations  = 5_000_000
	maxBcryptCost  = 16
	maxScryptBytes = 256 << 20
	maxScryptLanes = 16
)

// checkPBKDF2 reads iterations$salt$key; the salt is used as its text.
func checkPBKDF2(password, algorithm, rest string) (bool, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return false, fmt.Errorf("%s: %w", algorithm, ErrMalformed)
	}
	iterations, err := number("iterations", parts[0], maxIterations)
	if err != nil {
		return false, fmt.Errorf("%s: %w", algorithm, err)
	}
	newHash, size := sha256.New, sha256.Size
	if algorithm == "pbkdf2_sha1" {
		newHash, size = sha1.New, sha1.Size
	}
	want, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(want) != size {
		return false, fmt.Errorf("%s: %w: key", algorithm, ErrMalformed)
	}
	key, err := pbkdf2.Key(newHash, password, []byte(parts[1]), iterations, size)
	if err != nil {
		return false, fmt.Errorf("%s: %w", algorithm, err)
	}
	return equal(key, want), nil
}

// checkBcrypt reads the crypt form, which begins with another $. bcrypt sees 72
// bytes; bcrypt_sha256 gives it the hex digits of a digest for that reason.
func checkBcrypt(password, algorithm, encoded string) (bool, error) {
	cost, err := bcrypt.Cost([]byte(encoded))
	if err != nil {
		return false, fmt.Errorf("%s: %w", algorithm, ErrMalformed)
	}
	if cost > maxBcryptCost {
		return false, fmt.Errorf("%s: %w: 2^%d rounds", algorithm, ErrTooCostly, cost)
	}
	if algorithm == "bcrypt_sha256" {
		sum := sha256.Sum256([]byte(password))
		password = hex.EncodeToString(sum[:])
	}
	err = bcrypt.CompareHashAndPassword([]byte(encoded), []byte(password))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", algorithm, ErrMalformed)
	}
	return true, nil
}

// checkScrypt reads N$salt$r$p$key, of Django 4.0 and later.
func checkScrypt(password, rest string) (bool, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 {
		return false, fmt.Errorf("scrypt: %w", ErrMalformed)
	}
	var cost [3]int // N, r, p
	for i, field := range [...]int{0, 2, 3} {
		var err error
		if cost[i], err = number("cost", parts[field], maxScryptBytes); err != nil {
			return false, fmt.Errorf("scrypt: %w", err)
		}
	}
	if int64(cost[0])*int64(cost[1]) > maxScryptBytes/128 || cost[2] > maxScryptLanes {
		return false, fmt.Errorf("scrypt: %w", ErrTooCostly)
	}
	want, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(want) != 64 {
		return false, fmt.Errorf("scrypt: %w: key", ErrMalformed)
	}
	key, err := scrypt.Key([]byte(password), []byte(parts[1]), cost[0], cost[1], cost[2], len(want))
	if err != nil {
		return false, fmt.Errorf("scrypt: %w: parameters", ErrMalformed)
	}
	return equal(key, want), nil
}

// checkDigest reads salt$hex, the digest of salt and password. The oldest
// databases have no salt.
func checkDigest(password, algorithm, rest string) (bool, error) {
	salt, digits, ok := strings.Cut(rest, "$")
	want, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return false, fmt.Errorf("%s: %w", algorithm, ErrMalformed)
	}
	var got []byte
	if algorithm == "md5" {
		sum := md5.Sum([]byte(salt + password))
		got = sum[:]
	} else {
		sum := sha1.Sum([]byte(salt + password))
		got = sum[:]
	}
	if len(want) != len(got) {
		return false, fmt.Errorf("%s: %w: digest", algorithm, ErrMalformed)
	}
	return equal(got, want), nil
}
