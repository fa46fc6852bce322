// SPDX-License-Identifier: GPL-2.0-or-later

package passhash

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const lettuce = "lètmein ☃"

// Where the vectors come from: "Django" is a real Django's stored hash; "crypt"
// is libxcrypt and "hashlib" Python's, run apart from this program; "reference"
// is the test suite of the argon2 reference implementation.
var vectors = []struct{ from, password, encoded string }{
	{"Django", "Admin-acme-1!", "pbkdf2_sha256$260000$yua5HcoTd363OezBUcla0r$9hYB2chcRz0BxuaJEGKyB+Kd+jdzHr3BW+jLXeq5kXU="},
	{"Django", "пароль-ünï-😀", "pbkdf2_sha256$36000$saltsalta$97YV6OGUhG0Jq4bmEJZNDovkGy6lWgb1rV7Opi01thM="},
	{"Django", `quote'"back\slash`, "pbkdf2_sha256$720000$Zz9Zz9Zz9Zz9Zz9Zz9Zz9$/fp6bSvL4gpJWCRFyNdXIa36AgHKLjTRI+uyKCbvcpg="},
	{"Django", strings.Repeat("x", 128), "pbkdf2_sha256$1000$a$0O6L7pkMOTJ3Zfuu3qyxIoiQGo4LedMWd8ef7/tch40="},
	{"Django", "sha1-password", "pbkdf2_sha1$10000$oldsalt$KhKeQmOyiBccCBoEeY8a8o4yCq8="},
	{"hashlib", lettuce, "pbkdf2_sha256$4096$seasalt$hJWcz57jHVwnh56N1vSi5PBOywe1P58kMn89TW6GGMI="},
	{"hashlib", lettuce, "pbkdf2_sha1$1000$seasalt2$zGuwNUCkMoTWm/SbmXr/uXvVIo8="},
	{"hashlib", lettuce, "scrypt$1024$seasalt$8$2$gY87JnIfjoMtDGCME8SaRzYNZtGrAvUI/FMOmT2HQd/Ous8YJBqthC4F/sDnH5/SFun94BV/j8fYdaqHz5CFiw=="},
	{"hashlib", lettuce, "md5$pepper$0de78b938a5c279c54f28f7fd131b156"},
	{"hashlib", lettuce, "sha1$pepper$bc903a97e9f080616f9836c47bbd55af496479a2"},
	{"hashlib", lettuce, "d034459bfd5c5b7725073191ad1380eb"},
	{"hashlib", lettuce, "md5$$d034459bfd5c5b7725073191ad1380eb"},
	{"hashlib", lettuce, "sha1$$f03c32dd62d0d8c51f48aedc063e292281a08ef2"},
	{"crypt", lettuce, "bcrypt$$2b$04$abcdefghijklmnopqrstuuoZ4p.17ZLmSNVY7xxHcuwN4reX3V.uq"},
	{"crypt", strings.Repeat("a", 90), "bcrypt$$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe"},
	{"crypt", lettuce, "bcrypt_sha256$$2b$04$ABCDEFGHIJKLMNOPQRSTUuZ3JVOGNJguiQC8xQTcU/l8s0mWAT7Em"},
	{"reference", "password", "argon2$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
	{"reference", "password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
	{"reference", "password", "argon2$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"},
}

func TestVerify(t *testing.T) {
	for _, v := range vectors {
		ok, upgrade, err := Verify(v.password, v.encoded)
		if !ok || !upgrade || err != nil {
			t.Errorf("%s: %s: ok %v, upgrade %v, error %v", v.from, v.encoded, ok, upgrade, err)
		}
		// A change in the first byte, which bcrypt sees of long passwords too.
		ok, upgrade, err = Verify("~"+v.password[1:], v.encoded)
		if ok || upgrade || err != nil {
			t.Errorf("%s: %s with another password: ok %v, upgrade %v, error %v", v.from, v.encoded, ok, upgrade, err)
		}
	}
}

func TestHashRoundTrip(t *testing.T) {
	for _, password := range []string{"", "correct horse", lettuce, "a\x00b", strings.Repeat("é", MaxLength/2)} {
		encoded, err := Hash(password)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(encoded, "$argon2id$v=19$m=19456,t=2,p=1$") || len(encoded) > 128 {
			t.Errorf("Hash(%q) = %s", password, encoded)
		}
		ok, upgrade, err := Verify(password, encoded)
		if !ok || upgrade || err != nil {
			t.Errorf("%q: ok %v, upgrade %v, error %v", password, ok, upgrade, err)
		}
		if ok, _, err = Verify(password+"x", encoded); ok || err != nil {
			t.Errorf("%q and x: ok %v, error %v", password, ok, err)
		}
	}
}

func TestHashIsSalted(t *testing.T) {
	a, _ := Hash("x")
	b, _ := Hash("x")
	if a == b {
		t.Errorf("two hashes of one password are equal: %s", a)
	}
}

func TestPasswordTooLong(t *testing.T) {
	long := strings.Repeat("x", MaxLength+1)
	if _, err := Hash(long); !errors.Is(err, ErrTooLong) {
		t.Errorf("Hash: error %v", err)
	}
	if ok, _, err := Verify(long, "md5$$d034459bfd5c5b7725073191ad1380eb"); ok || err != nil {
		t.Errorf("Verify: ok %v, error %v", ok, err)
	}
}

func TestUnusable(t *testing.T) {
	a, b := Unusable(), Unusable()
	if a == b || !strings.HasPrefix(a, "!") || len(a) < 20 {
		t.Errorf("Unusable() = %q, %q", a, b)
	}
	for _, encoded := range []string{a, "!", "", "!2a6xS6A3GjV6VKLaikiRrk8gy0AJmQ0nhgxneSwK", "!pbkdf2_sha256$1$a$b"} {
		for _, password := range []string{"", encoded, strings.TrimPrefix(encoded, "!")} {
			if ok, upgrade, err := Verify(password, encoded); ok || upgrade || err != nil {
				t.Errorf("Verify(%q, %q): ok %v, upgrade %v, error %v", password, encoded, ok, upgrade, err)
			}
		}
	}
}

func TestVerifyErrors(t *testing.T) {
	const key32 = "hJWcz57jHVwnh56N1vSi5PBOywe1P58kMn89TW6GGMI="
	for encoded, want := range map[string]error{
		"plain":               ErrUnknown,
		"crypt$$ab1cd":        ErrUnknown,
		"sha512$a$00":         ErrUnknown,
		"$2b$04$abcdefghijkl": ErrUnknown,
		"argon2$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4":      ErrUnknown,
		"argon2$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4":      ErrUnknown,
		"argon2$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4":         ErrMalformed,
		"argon2$argon2id$v=19$t=2,m=256,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4":     ErrMalformed,
		"argon2$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4":     ErrMalformed,
		"argon2$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65":                                            ErrMalformed,
		"argon2$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ":                                                 ErrMalformed,
		"argon2$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4": ErrTooCostly,
		"argon2$argon2id$v=19$m=256,t=1000,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4":  ErrTooCostly,
		"argon2$argon2id$v=19$m=256,t=2,p=300$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4":   ErrTooCostly,
		"pbkdf2_sha256$1000$salt":                             ErrMalformed,
		"pbkdf2_sha256$x$salt$" + key32:                       ErrMalformed,
		"pbkdf2_sha256$0$salt$" + key32:                       ErrMalformed,
		"pbkdf2_sha256$-1$salt$" + key32:                      ErrMalformed,
		"pbkdf2_sha256$1000$salt$":                            ErrMalformed,
		"pbkdf2_sha256$1000$salt$!":                           ErrMalformed,
		"pbkdf2_sha1$1000$salt$" + key32:                      ErrMalformed,
		"pbkdf2_sha256$5000001$salt$" + key32:                 ErrTooCostly,
		"pbkdf2_sha256$99999999999999999999999$salt$" + key32: ErrTooCostly,
		"bcrypt$":             ErrMalformed,
		"bcrypt$$2b$04$short": ErrMalformed,
		"bcrypt$$2b$31$abcdefghijklmnopqrstuuoZ4p.17ZLmSNVY7xxHcuwN4reX3V.uq": ErrTooCostly,
		"scrypt$1024$seasalt$8$2":                                      ErrMalformed,
		"scrypt$1000$seasalt$8$2$" + strings.Repeat("A", 86) + "==":    ErrMalformed,
		"scrypt$1024$seasalt$8$2$" + key32:                             ErrMalformed,
		"scrypt$1048576$seasalt$8$1$" + strings.Repeat("A", 86) + "==": ErrTooCostly,
		"scrypt$1024$seasalt$8$99$" + strings.Repeat("A", 86) + "==":   ErrTooCostly,
		"sha1$salt":                              ErrMalformed,
		"sha1$salt$00":                           ErrMalformed,
		"sha1$salt$":                             ErrMalformed,
		"md5$salt$zz":                            ErrMalformed,
		strings.Repeat("z", 32):                  ErrMalformed,
		"sha1$" + strings.Repeat("z", MaxLength): ErrMalformed,
	} {
		ok, upgrade, err := Verify("password", encoded)
		if ok || upgrade || !errors.Is(err, want) {
			t.Errorf("Verify(%q): ok %v, upgrade %v, error %v, want %v", encoded, ok, upgrade, err, want)
		}
		if err != nil && len(encoded) > 10 && strings.Contains(err.Error(), encoded[len(encoded)-10:]) {
			t.Errorf("the error quotes the hash: %v", err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Hash("correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzVerify checks that no stored form makes Verify panic, accept, quote or take long.
func FuzzVerify(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.encoded)
	}
	for _, s := range []string{"", "!x", "$argon2id$v=19$m=999999999,t=1,p=1$a$b", "pbkdf2_sha256$99999999999$a$b", "scrypt$1073741824$a$8$1$b", "bcrypt$$2b$31$a", "md5$"} {
		f.Add(s)
	}
	known := map[string]bool{}
	for _, v := range vectors {
		known[v.encoded] = true
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		begin := time.Now()
		ok, upgrade, err := Verify("no such password", encoded)
		switch {
		case ok || upgrade:
			t.Fatalf("%q accepts a wrong password", encoded)
		case err != nil && !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooCostly):
			t.Fatalf("%q: %v is of no kind", encoded, err)
		case err != nil && len(encoded) > 20 && strings.Contains(err.Error(), encoded):
			t.Fatalf("%v quotes what was stored", err)
		case known[encoded] && err != nil:
			t.Fatalf("%q: %v", encoded, err)
		}
		if took := time.Since(begin); took > 30*time.Second {
			t.Fatalf("%q took %v", encoded, took)
		}
	})
}
