/* SPDX-License-Identifier: BSD-2-Clause */
/* The default redaction patterns.
 *
 * Each is tried on every argument of every process. It is anchored or begins with one of few characters: PCRE2 then
 * rejects a text without a secret in 10 to 60 ns. */
#include <stddef.h>

#include "core/config/redact.h"

/* How the name of a secret ends. Each of fixed length, as they are used in lookbehinds. Deliberately not included:
 * "pass" (FILTER=PASS, --two-pass), "pwd" (a directory), "key" (sort --key), plurals (--max-tokens). */
#define NAMES                                                                                            \
	"password|passwd|passphrase|passcode|token|secret|api[-_]key|apikey|access[-_]key|accesskey|"    \
	"access[-_]key[-_]id|accesskeyid|secret[-_]key|secretkey|account[-_]key|accountkey|auth[-_]key|" \
	"authkey|private_key|privatekey|user[-_]pass|userpass|db[-_]pass|dbpass|sql[-_]pass|sqlpass|"    \
	"ssh[-_]pass|sshpass"

/* A value within a longer text: a shell word, including quotes. */
#define VALUE "(?:\"[^\"]*\"|'[^']*'|\\\\.|\\S)++"

const char *const redact_default[] = {
	/* A whole item NAME=VALUE, --NAME=VALUE, --env=NAME=VALUE or "NAME: VALUE"; or just --NAME, whose value is the
	 * next item. pass:VALUE is for openssl. */
	"(?i)^((?!--?no-)(?:[\\w.-]*+(?<=" NAMES ")(?:[=:]\\s*|\\z)"
	"|--?[\\w.-]++=[\\w.-]*+(?<=" NAMES ")=|pass:))(?s:.*)",
	/* The same within a longer text: NAME=VALUE, "NAME": "VALUE", NAME: VALUE, --NAME VALUE. */
	"(?i)((?<=" NAMES ")(?:[\"']?\\s*=|[\"']\\s*:|\\s*:(?=\\s))\\s*)" VALUE,
	"(?i)((?<![\\w-])(?!--?no-)--?[\\w-]*+(?<=" NAMES ")\\s++)" VALUE,
	"(?i)([?&;]\\s?(?:sig|signature|pwd|x-(?:amz|goog)-(?:signature|credential|security-token))\\s?=)"
	"[^\\s&;\"']+",
	/* HTTP headers. */
	"(?i)((?:authorization|cookie)[\"']?\\s*[=:]\\s*[\"']?)[^\"'\\r\\n]+",
	"(?i)\\b(bearer\\s+)[\\w.~+/=-]{8,}",
	/* scheme://user:password@host */
	"(://[^\\s/:@?#]*:)[^\\s/]+(?=@)",
	"(?i)(hooks\\.slack\\.com/(?:services|workflows)/)\\S+",
	/* Keys with a recognizable format. */
	"\\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}\\b|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\\w{20,}"
	"|gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat)-[\\w.-]{16,}|xox[a-z]-[\\w-]{10,}"
	"|sk-(?:[a-z0-9]+-){0,2}[A-Za-z0-9_]{20,}[\\w-]*|[rs]k_(?:live|test)_\\w{10,}|AIza[\\w-]{30,}"
	"|ya29\\.[\\w-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[\\w-]{50,}|dckr_pat_[\\w-]{20,}|hf_[A-Za-z0-9]{30,}"
	"|hvs\\.[\\w-]{20,}|eyJ[\\w-]{10,}={0,2}(?:\\.[\\w-]+)+|AGE-SECRET-KEY-1[0-9A-Z]+)",
	"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\\z)",
	NULL,
};
