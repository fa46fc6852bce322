// SPDX-License-Identifier: GPL-2.0-or-later

// Package passhash makes and checks stored passwords. New ones are argon2id in
// PHC form; those that Django's stock hashers left behind are read natively, so
// that nobody needs a new password after a migration. It owns no table, limits
// no attempts and does not bound how many checks run at once: the caller does,
// since one check takes 19 MiB. Randomness for salts is its only input from
// outside.
//
// Example:
//
//	encoded, err := passhash.Hash("correct horse")
//	ok, upgrade, err := passhash.Verify("correct horse", encoded) // true, false, nil
//	ok, upgrade, err = passhash.Verify("x", "sha1$salt$…")        // upgrade: store Hash("x") when ok
package passhash
