/* SPDX-License-Identifier: BSD-2-Clause */
/* The default redaction patterns.
 *
 * Each is tried on every argument of every process that the table of programs does not decide. It is anchored or begins
 * with one of few characters: PCRE2 then rejects a text without a secret in 10 to 60 ns. */
#include <stddef.h>

#include "core/config/redact.h"

/* How the name of a secret ends. Each of fixed length, as they are used in lookbehinds. Deliberately not included:
 * "pass" (FILTER=PASS, --two-pass), "pwd" (a directory), "key" (sort --key), plurals (--max-tokens). */
#define NAMES                                                                                                                   \
	"password|passwd|passphrase|passcode|token|secret|password\\d|passwd\\d|secret\\d|token\\d|psk|[-_]otp|"                \
	"requirepass|password[-_.]hash|mnemonic|api[-_.]key|apikey|access[-_.]key|accesskey|access[-_.]key[-_.]id|accesskeyid|" \
	"access[-_.]signature|accesssignature|secret[-_.]key|secretkey|secret[-_.]key[-_.]base|secret_id|"                      \
	"secret[-_.]value|account[-_.]key|accountkey|auth[-_.]key|authkey|private[-_.]key|privatekey|"                          \
	"master[-_.]key|masterkey|encryption[-_.]key|shared[-_.]key|sharedkey|session[-_.]key|storage[-_.]key|"                 \
	"subscription[-_.]key|functions[-_.]key|app[-_.]key|consumer[-_.]key|service[-_.]key|"                                  \
	"integration[-_.]key|license[-_.]key|recovery[-_.]key|unseal[-_.]key|user[-_.]pass|userpass|"                           \
	"db[-_.]pass|dbpass|sql[-_.]pass|sqlpass|ssh[-_.]pass|sshpass|become[-_.]pass|smtp[-_.]pass|"                           \
	"ftp[-_.]pass|http[-_.]pass|ldap[-_.]pass|mail[-_.]pass|proxy[-_.]pass|redis[-_.]pass|admin[-_.]pass|pg[-_.]pass|"      \
	"root[-_.]pass|login[-_.]pass|auth[-_.]pass|key[-_.]pass|keypass|storepass|db[-_.]pwd|dbpwd|"                           \
	"user[-_.]pwd|userpwd|sql[-_.]pwd|root[-_.]pwd|admin[-_.]pwd|vault[-_.]pass|basic[-_.]auth|"                            \
	"webhook[-_.]url|webhookurl|oauth2[-_.]bearer|:_auth"

/* After a name; not one of an object that holds the secret. */
#define NAMED "(?<=" NAMES ")(?<!existingsecret|existing[-_]secret|pullsecret)"

/* How the name of an environment variable ends that may hold a secret, unless its value is OTHER. */
#define VARIABLE                                                                                                   \
	"(?:[A-Z0-9_]*_(?:PASS|PWD|PW|PSW|PAT|CREDENTIALS?|CREDS?|AUTH|JWT|SALT|PEPPER|DSN|PIN|SAS|COOKIE|SEED)|"  \
	"[A-Z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|(?:API|ACCESS|PRIVATE|SECRET)_?KEY)"                 \
	"_(?:\\d+|[A-Z]|PROD|PRODUCTION|DEV|TEST|STAGING|LIVE|MAIN|DEFAULT|OLD|NEW|PREVIOUS|BASE|B64|BASE64|DATA|" \
	"STRING|JSON|VALUE|HASH|RO|RW|READ|WRITE|ADMIN|ROOT|USER|[A-Z]{1,12}_(?:PROD|DEV|TEST|STAGING)))"
#define PLAIN "(?i:true|false|yes|no|on|off|none|null|auto|basic|default|enabled|disabled)(?![^\\s;,&|\"'})])"
#define OTHER PLAIN "|\\d{1,2}(?![^\\s;&|\"'])|[./~]|file:"

/* A value within a longer text: up to a blank, or a quoted string. A quote after the beginning ends the value, unless
 * text follows it at once. CODE also ends it at an operator of the shell. */
#define QUOTED "\\\\\"(?:[^\"\\\\]|\\\\[^\"])*+\\\\\"|\"(?:[^\"\\\\]|\\\\.)*+\"?|'[^']*+'?"
#define JOINED "(?=[\"'][^\\s,;:)}\\]&|>\"'\\\\])(?:" QUOTED ")|\\\\(?![\"'])(?s:.)"
#define VALUE "(?:" QUOTED "|\\\\.|[^\\s\"'\\\\])(?:[^\\s\"'\\\\]|" JOINED "|\\\\'|''\\S)*+"
#define CODE "(?:" QUOTED "|\\\\.|[^\\s\"'\\\\;&|()<>`])(?:[^\\s\"'\\\\;&|()<>`]|" JOINED "|\\\\'|''\\S)*+"

/* Not at an expansion of the shell: $NAME, $(cat file). */
#define CODE_ONLY "(?!\\\\?\"?(?:\\\\?\\$[\\w{(]|\\\\?`))"

/* NAME=VALUE, "NAME": "VALUE", and NAME: VALUE unless more words follow. */
#define NAME_VALUE                                                                \
	"(?i)(" NAMED "(?:\\\\?[\"']?\\]?\\s*:?=(?!=)>?\\s*|\\\\?[\"']\\s*:\\s*|" \
	"\\s*:\\s+(?=[\"']|[^\\s\"']+\\s*(?:[\"',;}\\r\\n\\\\]|\\z))))(?!" PLAIN "|\\w/)"
#define OPTION_VALUE "(?i)((?<![\\w-])(?!--?no-)--?[\\w-]*+" NAMED "\\s++)(?!-|id=|type=)"
#define SCHEME "(?:(?:basic|bearer|token|apikey|digest|negotiate|key|splunk)\\s+)?+"

const struct redact_pattern redact_default[] = {
	/* A whole item NAME=VALUE, --NAME=VALUE, --env=NAME=VALUE or "NAME: VALUE"; or just --NAME, whose value is the
	 * next item. pass:VALUE is for openssl. */
	{REDACT_ARGUMENT, .least = 3,
	 .text = "(?i)^((?!--?no-)(?:(?://[\\w./-]*+:|/)?[\\w.-]*+" NAMED "(?:=\\s*|:\\s*(?=\\S+\\s*\\z)|\\z)"
		 "|--?[\\w.-]++=[\\w.-]*+" NAMED "=|pass:))(?!" PLAIN "\\z)(?s:.*)"},
	{REDACT_ARGUMENT, .least = 6, .all = "=_",
	 .text = "^((?:-[eD]|--?[\\w-]++=)?" VARIABLE "=)(?!" OTHER ")(?s:.+)"},
	{REDACT_ARGUMENT, .least = 4, .all = "=", .text = "(?i)^((?:--?)?(?:pass|pw|jwt)=)(?!" OTHER ")(?s:.+)"},
	{REDACT_CODE, .least = 6, .all = "=_", .text = "\\b(" VARIABLE "=)(?!" OTHER ")" CODE_ONLY CODE},
	{REDACT_EVERYWHERE, .least = 21, .all = "=_",
	 .text = "\\b(?!\\w*(?:PUBLIC|CACHE|SORT|PARTITION|PRIMARY|FOREIGN|HOST)_KEY)((?:[A-Z0-9]+_)+KEY=[\"']?)(?=[\\w+/=.:-]{0,64}\\d)"
		 "[\\w+/=.:-]{16,}"},
	{REDACT_EVERYWHERE, .least = 8, .all = "=_", .any = "\"'",
	 .text = "\\b(" VARIABLE "(?:[\"']\\])?\\s*=\\s*[\"'])(?!" OTHER ")(?!\\$[\\w{(])[^\"'\\r\\n]+"},
	/* Pairs of a name and a value: of containers, of XML; and options in a list. */
	{REDACT_EVERYWHERE, .least = 16, .any = ":=",
	 .text = "(?i)(\\bname\\\\?[\"']?\\s*[:=]\\s*\\\\?[\"']?(?:[\\w.-]*+" NAMED "|(?-i:" VARIABLE
		 "))\\\\?[\"']?\\s*,?\\s*\\\\?[\"']?"
		 "value\\\\?[\"']?\\s*[:=]\\s*)(?!" PLAIN ")(?:" QUOTED "|[^\\s\"'\\\\,}]+)"},
	{REDACT_EVERYWHERE, .least = 18, .all = "<=\"",
	 .text = "(?i)(\\b(?:key|name)=\"[^\"]*" NAMED "\"\\s+value=\")[^\"]+"},
	{REDACT_EVERYWHERE, .least = 12, .all = ",-", .any = "\"'",
	 .text = "(?i)([\"']--?(?!no-)[\\w-]*+" NAMED "\\\\?[\"']\\s*,\\s*\\\\?[\"'])(?!-|" PLAIN ")[^\"'\\\\]+"},
	/* The same within a longer text: NAME=VALUE, "NAME": "VALUE", NAME: VALUE, --NAME VALUE. */
	{REDACT_ARGUMENT, .least = 4, .any = "=:", .text = NAME_VALUE VALUE},
	{REDACT_CODE, .least = 4, .any = "=:", .text = NAME_VALUE CODE_ONLY CODE},
	{REDACT_ARGUMENT, .least = 6, .all = "-", .any = " \t\n", .text = OPTION_VALUE VALUE},
	{REDACT_CODE, .least = 6, .all = "-", .any = " \t\n", .text = OPTION_VALUE CODE_ONLY CODE},
	/* What changes, as terraform says it; messages. */
	{REDACT_EVERYWHERE, .least = 10, .all = ">-",
	 .text = "(?i)(" NAMED "\"?\\s*[=:]\\s*(?:\"[^\"\\n]*\"|[^\\s\"]+)\\s*->\\s*)(?!null\\b|\\()" VALUE},
	{REDACT_EVERYWHERE, .least = 16, .any = "\"'",
	 .text = "(?i)(\\busing (?:the )?(?:password|passphrase|token|secret):? )(?:'[^'\\s]++'|\"[^\"\\s]++\")"},
	{REDACT_EVERYWHERE, .least = 6, .all = "=", .any = "?&;,",
	 .text = "(?i)([?&;,]\\s?(?:sig|signature|pwd|pass|x-(?:amz|goog)-(?:signature|credential|security-token))\\s?=)"
		 "(?!\\$[\\w{(])[^\\s&;\"']+"},
	{REDACT_EVERYWHERE, .least = 20, .all = "=", .any = "?&",
	 .text = "(?i)([?&](?:key|auth|code)=)[\\w%+/=.~-]{16,}"},
	/* HTTP headers. */
	{REDACT_EVERYWHERE, .least = 8, .any = "=:",
	 .text = "(?i)((?:authorization|cookie)[\"']?\\s*[=:]\\s*+[\"']?+(?!digest\\s+\\w+=)" SCHEME
		 ")(?!\\$[\\w{(]|`)[^\"'\\r\\n]+"},
	{REDACT_EVERYWHERE, .least = 50, .all = "=",
	 .text = "(?i)(\\bdigest\\b[^\\r\\n]*?\\bresponse\\s*=\\s*\\\\?[\"']?)[0-9a-f]{32,}"},
	/* XML, .netrc, Docker's config.json, account keys of Hadoop */
	{REDACT_EVERYWHERE, .least = 7, .all = "<>/", .text = "(?i)(" NAMED ">)[^<]++(?=</)"},
	{REDACT_EVERYWHERE, .least = 16, .any = " \t\n", .text = "(?i)\\b(login\\s+\\S+\\s+password\\s+)\\S+"},
	{REDACT_EVERYWHERE, .least = 12, .all = ":", .any = "\"'",
	 .text = "(?i)([\"']auth[\"']\\s*:\\s*[\"'])[\\w+/=-]{8,}"},
	{REDACT_EVERYWHERE, .least = 14, .all = "=.", .text = "(account\\.key\\.[\\w.-]+=)\\S+"},
	{REDACT_EVERYWHERE, .least = 28, .any = "=:",
	 .text = "(?i)((?<!cache|public|sort|ition)[-_.]key[\"']?\\s*[=:]\\s*[\"']?)(?=[\\w+/=-]{0,64}\\d)[\\w+/=-]{24,}"},
	{REDACT_EVERYWHERE, .least = 14, .any = " \t\n", .text = "(?i)\\b(bearer\\s+)[\\w.~+/=-]{8,}"},
	{REDACT_EVERYWHERE, .least = 7,
	 .all = "-:", .text = "(?i)\\b(x-[\\w-]*(?:key|auth|signature|api)\\s*:\\s*)(?!\\$[\\w{(]|`)[^\\s\"']+"},
	/* scheme://user:password@host, scheme://token@host, user:password@tcp(host), user/password@host */
	{REDACT_EVERYWHERE, .least = 6, .all = ":/@",
	 .text = "(://[^\\s/:@?#]*:)(?!\\d+(?:/|\\z))(?!\\$[\\w{(])(?:(?!://)[^\\s\"'<>])+?(?=@[^\\s@\"'/]*(?:[/\\s\"'?]|\\z))"},
	{REDACT_EVERYWHERE, .least = 24, .all = ":/@", .text = "(://)[\\w.-]{20,}(?=@)"},
	{REDACT_EVERYWHERE, .least = 20, .all = "+:/@", .text = "(git\\+https?://)(?=[\\w.-]*\\d)[\\w.-]{8,}(?=@)"},
	{REDACT_ARGUMENT, .least = 5, .all = ":@",
	 .text = "^((?://)?[\\w.-]+:)[^\\s/:@]+"
		 "(?=@(?!sha\\d)(?:localhost|[\\w-]+(?:\\.[\\w.-]+|(?=[:/])))(?::\\d*)?(?:/\\S*)?\\z)"},
	{REDACT_ARGUMENT, .least = 7, .all = ":/@",
	 .text = "^([\\w.-]+/[\\w.-]+:)[^\\s/:@]+(?=@(?!sha\\d)[\\w.-]+(?::\\d+)?(?:/\\S*)?\\z)"},
	{REDACT_EVERYWHERE, .least = 7, .all = "@:",
	 .text = "(?i)(jdbc:oracle:\\w+:[^/\\s]+/|:pserver:[^:@\\s]+:|\\b[\\w.-]+:(?=[^\\s@/:]+@(?:tcp|unix|udp)\\())[^\\s@]+(?=@)"},
	{REDACT_EVERYWHERE, .least = 16, .all = "/",
	 .text = "(?i)(hooks\\.slack\\.com/(?:services|workflows|triggers)/|discord(?:app)?\\.com/api/webhooks/\\d+/|"
		 "api\\.telegram\\.org/(?:file/)?bot|webhook\\.office\\.com/\\w+/|outlook\\.office\\.com/webhook/|"
		 "hooks\\.zapier\\.com/hooks/catch/|maker\\.ifttt\\.com/trigger/\\w+/(?:json/)?with/key/|hc-ping\\.com/|"
		 "events\\.pagerduty\\.com/integration/|://[^\\s/\"']+/(?:t/(?=[\\w-]{8})|(?:[\\w-]+/)*(?:web)?hooks?/(?=[\\w/-]{16})))"
		 "[^\\s\"'/][^\\s\"']*"},
	/* SQL */
	{REDACT_EVERYWHERE, .least = 14, .any = "\"'",
	 .text = "(?i)(\\b(?:pragma\\s+(?:re)?key\\s*=|identified(?:\\s+with\\s+\\S+)?\\s+(?:by|as)|"
		 "(?:create|alter)\\s+(?:user|role)\\b[^;\\n]*?\\spassword|set\\s+password(?:\\s+for\\s+\\S+)?\\s*=)\\s*"
		 "(?:password\\s*\\(\\s*)?)(?:'[^']++'|\"[^\"]++\")"},
	/* echo SECRET | sudo -S */
	{REDACT_CODE, .least = 8, .all = "|", .any = " \t\n",
	 .text = "(?i)(\\b(?:echo|printf)\\s+(?:-\\w+\\s+)*(?:[\"']?%s(?:\\\\+n)?[\"']?\\s+)?)" CODE_ONLY CODE
		 "(?=\\s*\\|[^|;]*(?:sudo\\s[^|;]*-\\w*S\\b|\\bchpasswd|\\bpasswd\\b|\\bsmbpasswd|-stdin\\b|--with-token|"
		 "\\bcryptsetup|--passphrase-fd|\\bkinit\\b))"},
	{REDACT_CODE, .least = 8, .all = "<",
	 .text = "(?i)((?:passwd|-stdin|\\bsudo\\s+-S|--passphrase-fd|--with-token)\\b[^|;\\n<]*<<<\\s*)" CODE_ONLY
		 CODE},
	{REDACT_EVERYWHERE, .least = 20, .any = "\"'}",
	 .text = "(?i)(assword[^\\n\"'}{]{0,20}[\"'}]?\\s*;?\\s*\\{?\\s*(?:exp_)?send\\s+(?:--\\s+)?\\\\?[\"'{]?)[^\\s\"'}\\\\]+"},
	/* Calls in the code of an interpreter: auth=("USER", "SECRET"), connect("SERVER", "USER", "SECRET"). */
	{REDACT_EVERYWHERE, .least = 12, .all = "(,", .any = "\"'",
	 .text = "(?i)(\\b(?:auth\\s*[=(]\\s*\\(?|\\.login\\s*\\(|(?:\\w*connect|__construct)\\s*\\(\\s*[\"'][^\"']*[\"']\\s*,)\\s*"
		 "[\"'][^\"']*[\"']\\s*,\\s*[\"'])"
		 "[^\"']+"},
	/* Keys with a recognizable format. */
	{REDACT_EVERYWHERE, .least = 15,
	 .text = "\\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}\\b|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\\w{20,}"
		 "|gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat)-[\\w.-]{16,}|xox[a-z]-[\\w-]{10,}|xapp-[\\w-]{20,}"
		 "|sk-(?:(?:ant|proj|or|svcacct|admin)-(?:[a-z0-9]+-)?|(?=[\\w-]*[A-Z])(?=[\\w-]*[a-z])(?=[\\w-]*\\d)"
		 "(?:[a-z0-9]+-){0,2}|(?=[0-9a-f]{32,64}(?![\\w-])))[A-Za-z0-9_]{20,}+[\\w-]*+(?!\\.\\w)|b3BlbnNzaC1rZXktdj[\\w+/=]{10,}"
		 "|[rs]k_(?:live|test)_\\w{10,}|whsec_[\\w+/=]{20,}"
		 "|AIza[\\w-]{30,}|ya29\\.[\\w-]{20,}|1//0[\\w-]{30,}|GOCSPX-[\\w-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[\\w-]{50,}"
		 "|dckr_[op]at_[\\w-]{20,}|hf_[A-Za-z0-9]{30,}|hv[sbr]\\.[\\w-]{20,}|SG\\.[\\w-]{16,}\\.[\\w-]{16,}"
		 "|key-[0-9a-f]{32}\\b|shp(?:at|ca|pa|ss)_[0-9a-f]{32}|do[orp]_v1_[0-9a-f]{40,}|dapi[0-9a-f]{32}"
		 "|glsa_\\w{20,}|glc_[\\w=+/]{20,}|lin_api_\\w{20,}|AT[AC]TT3[\\w=-]{20,}|rubygems_[0-9a-f]{40,}"
		 "|sq0(?:atp|csp)-[\\w-]{20,}|pul-[0-9a-f]{40}|tskey-[\\w-]{16,}|sntry[su]_[\\w=+/-]{20,}|figd_[\\w-]{20,}"
		 "|PMAK-[\\w-]{20,}|NRAK-\\w{20,}|(?:gsk|r8|ntn|xai|nvapi|pplx)[-_][A-Za-z0-9_-]{30,}|cio\\w{30,}"
		 "|eyJ[\\w-]{10,}={0,2}(?:\\.[\\w-]+)+|AGE-SECRET-KEY-1[0-9A-Z]+|LS0tLS1CRUdJTi(?!BDRVJU)[\\w+/=]{20,})"},
	/* A key that is cut, as a comm has 15 bytes at most. */
	{REDACT_EVERYWHERE, .least = 15,
	 .text = "\\A(?=.{15}\\z)(?:gh[pousr]_|github_pat_|glpat-|AKIA|ASIA|eyJ|AIza|hf_|npm_|xox[a-z]-|sk-(?=\\w+\\z)|[rs]k_live_)"
		 "[\\w-]+\\z"},
	{REDACT_EVERYWHERE, .least = 20, .all = "-",
	 .text = "-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\\z)"},
	/* The end of a private key whose beginning is cut off, and lines of one that begin a text. */
	{REDACT_EVERYWHERE, .least = 20, .all = "-\n",
	 .text = "(?m)^(?:[ \\t]*+[A-Za-z0-9+/=]++[ \\t]*+\\r?\\n)++(?:[ \\t]*-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|"
		 "(*SKIP)(*FAIL))"},
	{REDACT_EVERYWHERE, .least = 82, .all = "\n",
	 .text = "\\A(?!/)(?:[ \\t]*+(?=[A-Z\\d+/]*[a-z])(?=[a-z\\d+/]*[A-Z])(?=[A-Za-z+/]*\\d)[A-Za-z0-9+/]{40,}+={0,2}\\r?\\n)"
		 "{2,}+(?:[ \\t]*+[A-Za-z0-9+/]++={0,2}\\s*\\z)?"},
	/* What crypt(3) returns. */
	{REDACT_EVERYWHERE, .least = 23, .all = "$",
	 .text = "\\$(?:1|5|6|7|y|gy|sha1|2[abxy]|apr1|argon2\\w*|scrypt)\\$[\\w./$=,+-]{20,}"},
	{0},
};
