//! Keys and tokens by the shape their vendor gave them.
//!
//! Source of the prefixes: each vendor's documentation of its keys, and the list of patterns that GitHub's secret
//! scanning supports. A token whose form no vendor names is found by its label ([`super::labelled`]).

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

/// A vendor and what its tokens look like. None begins or ends inside a longer word.
const TOKENS: [(&str, &str); 62] = [
    ("1Password", r"ops_eyJ[A-Za-z0-9+/=_-]{20,}"),
    ("Adyen", r"AQE[a-z][A-Za-z0-9+/=-]{40,}"),
    ("age", r"AGE-SECRET-KEY-1[A-Z0-9]{20,}"),
    ("Airtable", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{32,}"),
    ("Alibaba Cloud", r"LTAI[A-Za-z0-9]{12,}"),
    ("Anthropic, OpenAI", r"sk-[A-Za-z0-9_-]{16,}"),
    ("Atlassian", r"AT(?:ATT|CTT|BB|STT)[A-Za-z0-9_=.+/-]{20,}"),
    ("AWS", r"(?:AKIA|ASIA|ABIA|ACCA|AIDA|AROA)[A-Z0-9]{12,}"),
    ("Braintree", r"access_token\$(?:production|sandbox)\$[a-z0-9]+\$[a-f0-9]{16,}"),
    ("Brevo", r"xkeysib-[a-f0-9]{32,}-?[A-Za-z0-9]*"),
    ("Contentful", r"CFPAT-[A-Za-z0-9_-]{20,}"),
    ("Databricks", r"dapi[a-f0-9]{30,}(?:-\d)?"),
    ("DigitalOcean", r"do[oprt]_v1_[a-f0-9]{32,}"),
    ("Discord", r"[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{25,}"),
    ("Docker", r"dckr_[po]at_[A-Za-z0-9_-]{16,}"),
    ("Doppler", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{20,}"),
    ("Dynatrace", r"dt0[a-z]\d{2}\.[A-Z0-9]{20,}\.[A-Z0-9]{20,}"),
    ("EasyPost", r"EZ[AT]K[A-Za-z0-9]{30,}"),
    ("Figma", r"figd_[A-Za-z0-9_-]{20,}"),
    ("Fly.io", r"(?:FlyV1 fm\d|fo1)_[A-Za-z0-9_/+=,-]{20,}"),
    ("GitHub", r"gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}"),
    ("GitLab", r"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_.-]{16,}"),
    ("Google", r"AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_.-]{10,}|GOCSPX-[A-Za-z0-9_-]{10,}|1//0[A-Za-z0-9_-]{20,}"),
    ("Grafana", r"gl(?:sa|c)_[A-Za-z0-9_+/=-]{20,}"),
    ("HashiCorp", r"hv[sbr]\.[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}"),
    ("Heroku", r"HRKU-[A-Za-z0-9_-]{20,}"),
    ("HubSpot", r"pat-[a-z]{2}\d-[A-Fa-f0-9]{8}-[A-Fa-f0-9-]{20,}"),
    ("Hugging Face", r"hf_[A-Za-z0-9]{20,}"),
    ("JSON Web Token", r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"),
    ("Klaviyo", r"pk_[a-f0-9]{30,}"),
    ("Linear", r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}"),
    ("Mailchimp", r"[a-f0-9]{32}-us\d{1,2}"),
    ("Mailgun", r"key-[a-f0-9]{32}|[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}"),
    ("Mollie", r"(?:live|test)_[A-Za-z0-9]{30,}"),
    ("Netlify", r"nf[pcu]_[A-Za-z0-9]{20,}"),
    ("New Relic", r"NR(?:AK|JS|II|AA)-[A-Za-z0-9_-]{16,}"),
    ("Notion", r"(?:secret|ntn)_[A-Za-z0-9]{40,}"),
    ("npm", r"npm_[A-Za-z0-9]{16,}"),
    ("NuGet", r"oy2[a-z0-9]{43}"),
    ("PlanetScale", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{20,}"),
    ("Plaid", r"(?:access|public|link)-(?:sandbox|development|production)-[a-f0-9-]{30,}"),
    ("Postman", r"PMAK-[A-Za-z0-9]{20,}-[A-Za-z0-9]{20,}"),
    ("PyPI", r"pypi-[A-Za-z0-9_-]{16,}"),
    ("Razorpay", r"rzp_(?:live|test)_[A-Za-z0-9]{10,}"),
    ("RubyGems", r"rubygems_[a-f0-9]{30,}"),
    ("SendGrid", r"SG\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    ("Sentry", r"sntry[su]_[A-Za-z0-9+/=_-]{20,}"),
    ("Shippo", r"shippo_(?:live|test)_[a-f0-9]{20,}"),
    ("Shopify", r"shp(?:at|ca|pa|ss|ua|tka|rka)_[A-Za-z0-9]{12,}"),
    ("Slack", r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9.-]{10,}|xapp-[A-Za-z0-9-]{16,}"),
    ("Square", r"sq0[a-z]{3}-[A-Za-z0-9_-]{20,}|EAAA[A-Za-z0-9_-]{50,}"),
    ("Stripe", r"(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9_]{8,}|whsec_[A-Za-z0-9+/=]{8,}"),
    ("Supabase", r"sb(?:p|_secret|_publishable)_[A-Za-z0-9_]{16,}"),
    ("Telegram", r"\d{8,10}:[A-Za-z0-9_-]{34,36}"),
    ("Twilio", r"(?:AC|SK)[a-f0-9]{32}"),
    ("Twitch, Meta", r"EAA[A-Za-z0-9]{40,}"),
    ("WooCommerce", r"c[ks]_(?:(?:live|test)_[A-Za-z0-9]{8,}|[a-f0-9]{40})"),
    ("Slack webhook", r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]+"),
    ("Discord webhook", r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d+/[A-Za-z0-9_-]+"),
    (
        "Teams webhook",
        r"https://[a-z0-9.-]*(?:webhook\.office\.com/webhookb2|logic\.azure\.com[:0-9]*/workflows)/[^\s\x22'<>]+",
    ),
    ("Zapier webhook", r"https://hooks\.zapier\.com/hooks/[A-Za-z0-9/_-]+"),
    ("Azure storage", r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/=]{16,}"),
];

static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    let shapes: Vec<&str> = TOKENS.iter().map(|(_, shape)| *shape).collect();
    Regex::new(&format!(r"(?-u:\b)(?:{})", shapes.join("|"))).expect("fixed patterns")
});
static BEGIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|PuTTY-User-Key-File-\d")
        .expect("a fixed pattern")
});
static END: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|Private-MAC: ?[A-Fa-f0-9]+")
        .expect("a fixed pattern")
});

/// Tokens and private keys.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = TOKEN.find_iter(text).map(|found| found.range()).collect();
    found.extend(private_keys(text));
    found
}

/// From the first line of a key to its last one, or as far as the lines look like one.
fn private_keys(text: &str) -> Vec<Range<usize>> {
    let mut ends = END.find_iter(text).map(|end| end.range()).peekable();
    let mut found = Vec::new();
    let mut done = 0;
    for begin in BEGIN.find_iter(text).filter(|begin| begin.start() >= done).collect::<Vec<_>>() {
        if begin.start() < done {
            continue;
        }
        while ends.next_if(|end| end.start < begin.end()).is_some() {}
        let end = ends.peek().map_or_else(|| end_of_lines(text, begin.end()), |end| end.end);
        found.push(begin.start()..end);
        done = end;
    }
    found
}

/// A private key without its end takes no more than this. In bytes.
const LONGEST_KEY: usize = 16 * 1024;

/// Where the lines that may belong to a key end: base64 and `Name: value`.
fn end_of_lines(text: &str, start: usize) -> usize {
    let most = text.floor_char_boundary((start + LONGEST_KEY).min(text.len()));
    let rest = text.get(start..most).unwrap_or_default();
    let mut end = start;
    for line in rest.split_inclusive('\n') {
        let words = line.split_whitespace().take(4).count();
        let header = words <= 3 && line.contains(": ");
        if words > 1 && !header {
            break;
        }
        end += line.len();
    }
    end
}
