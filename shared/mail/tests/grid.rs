//! Mail programs by languages: what is above their headers is the customer's, and what is below is not.

use mail::{Class, Context, Message, Rule};
use proptest::prelude::*;
use strum::IntoEnumIterator as _;

/// What a person asks today, in words that are in no old mail.
const OWN: [(&str, &str); 10] = [
    ("en", "Where do I change the paper size of the labels?\nThe printer in hall two takes A6 only."),
    ("de", "Wo stelle ich das Papierformat der Etiketten um?\nDer Drucker in Halle zwei nimmt nur A6."),
    ("fr", "Où changer le format du papier des étiquettes ?\nL'imprimante du hall deux ne prend que le A6."),
    ("es", "¿Dónde cambio el tamaño de papel de las etiquetas?\nLa impresora de la nave dos solo admite A6."),
    ("it", "Dove cambio il formato carta delle etichette?\nLa stampante del capannone due accetta solo A6."),
    ("pt", "Onde mudo o tamanho do papel das etiquetas?\nA impressora do pavilhão dois só aceita A6."),
    ("nl", "Waar wijzig ik het papierformaat van de labels?\nDe printer in hal twee neemt alleen A6."),
    ("pl", "Gdzie zmienię rozmiar papieru etykiet?\nDrukarka w hali drugiej przyjmuje tylko A6."),
    ("sv", "Var ändrar jag pappersstorleken för etiketterna?\nSkrivaren i hall två tar bara A6."),
    ("ja", "ラベルの用紙サイズはどこで変更できますか。\n第二倉庫のプリンターはA6だけです。"),
];
const OLD: &str = "OLDTHREAT we leave you for good.";

/// How programs write what stands above an older message: Gmail, Apple Mail, Thunderbird, Outlook, GMX, Zoho, Proton,
/// Samsung, Roundcube, helpdesks.
const HEADERS: [&str; 62] = [
    "On Tue, Nov 3, 2026 at 8:05 AM Mia Lund <mia@wheels.example> wrote:",
    "On 3 Nov 2026, at 08:05, Mia Lund <mia@wheels.example> wrote:",
    "On 11/3/26 8:05 AM, Mia Lund wrote:",
    "On Tuesday, November 3rd, 2026 at 8:05 AM, Mia Lund\n<mia@wheels.example> wrote:",
    "---- On Tue, 03 Nov 2026 08:05:00 +0100 Mia Lund <mia@wheels.example> wrote ----",
    "Am Di., 3. Nov. 2026 um 08:05 Uhr schrieb Mia Lund <mia@wheels.example>:",
    "Am 03.11.2026 um 08:05 schrieb Mia Lund:",
    "Am 03.11.26, 08:05 schrieb Mia Lund <mia@wheels.example>:",
    "Mia Lund <mia@wheels.example> schrieb am Di., 3. Nov. 2026,\n08:05:",
    "Le mar. 3 nov. 2026 à 08:05, Mia Lund <mia@wheels.example>\na écrit :",
    "Le 3 nov. 2026 à 08:05, Mia Lund <mia@wheels.example> a écrit\u{a0}:",
    "El mar, 3 nov 2026 a las 8:05, Mia Lund (<mia@wheels.example>) escribió:",
    "El 3/11/2026 a las 8:05, Mia Lund escribió:",
    "Il giorno mar 3 nov 2026 alle ore 08:05 Mia Lund\n<mia@wheels.example> ha scritto:",
    "Em ter., 3 de nov. de 2026 às 08:05, Mia Lund <mia@wheels.example> escreveu:",
    "Op di 3 nov 2026 om 08:05 schreef Mia Lund <mia@wheels.example>:",
    "Op 3 nov 2026, om 08:05 heeft Mia Lund <mia@wheels.example> het volgende geschreven:",
    "wt., 3 lis 2026 o 08:05 Mia Lund <mia@wheels.example> napisał(a):",
    "Den tis 3 nov. 2026 kl 08:05 skrev Mia Lund <mia@wheels.example>:",
    "Den tirs. 3. nov. 2026 kl. 08.05 skrev Mia Lund <mia@wheels.example>:",
    "tir. 3. nov. 2026 kl. 08:05 skrev Mia Lund <mia@wheels.example>:",
    "ti 3. marrask. 2026 klo 8.05 Mia Lund <mia@wheels.example> kirjoitti:",
    "út 3. 11. 2026 v 8:05 odesílatel Mia Lund <mia@wheels.example> napsal:",
    "Mia Lund <mia@wheels.example>, 3 Kas 2026 Sal, 08:05\ntarihinde şunu yazdı:",
    "вт, 3 нояб. 2026 г. в 08:05, Mia Lund <mia@wheels.example>:",
    "2026年11月3日(火) 8:05 Mia Lund <mia@wheels.example>:",
    "2026/11/03 8:05、Mia Lund <mia@wheels.example>のメール:",
    "Mia Lund <mia@wheels.example> 于2026年11月3日周二 08:05写道：",
    "2026년 11월 3일 (화) 오전 8:05, Mia Lund <mia@wheels.example>님이 작성:",
    "Mia Lund <mia@wheels.example> ezt írta (időpont: 2026. nov. 3., K, 8:05):",
    "-----Original Message-----\nFrom: Mia Lund\nSent: Tuesday\nTo: Desk\nSubject: Labels",
    "________________________________\nFrom: Mia Lund <mia@wheels.example>\nSent: Tuesday, November 3, 2026 8:05 AM\nTo: Desk\nSubject: Labels",
    "From: Mia Lund <mia@wheels.example>\nDate: Tuesday, 3 November 2026 at 08:05\nTo: Desk <desk@x.example>\nSubject: Labels",
    "*From:* Mia Lund\n*Sent:* Tuesday\n*To:* Desk\n*Subject:* Labels",
    "Von: Mia Lund\nGesendet: Dienstag, 3. November 2026 08:05\nAn: Desk\nBetreff: AW: Etiketten",
    "Gesendet: Dienstag, 03. November 2026 um 08:05 Uhr\nVon: \"Mia Lund\" <mia@wheels.example>\nAn: desk@x.example\nBetreff: Etiketten",
    "-------- Ursprüngliche Nachricht --------\nVon: Mia Lund <mia@wheels.example>\nDatum: 03.11.26 08:05 (GMT+01:00)\nAn: desk@x.example\nBetreff: Etiketten",
    "-------- Original-Nachricht --------",
    "-------- Message d’origine --------De : Mia Lund <mia@wheels.example> Date : 3/11/26 08:05 (GMT+01:00) À : desk@x.example Objet : Labels",
    "De : Mia Lund\nEnvoyé : mardi 3 novembre 2026 08:05\nÀ : Desk\nObjet : RE: étiquettes",
    "De: Mia Lund\nEnviado el: martes, 3 de noviembre de 2026 8:05\nPara: Desk\nAsunto: RE: etiquetas",
    "Da: Mia Lund\nInviato: martedì 3 novembre 2026 08:05\nA: Desk\nOggetto: R: etichette",
    "De: Mia Lund\nEnviada em: terça-feira, 3 de novembro de 2026 08:05\nPara: Desk\nAssunto: RES: etiquetas",
    "Van: Mia Lund\nVerzonden: dinsdag 3 november 2026 08:05\nAan: Desk\nOnderwerp: RE: labels",
    "Od: Mia Lund\nWysłano: wtorek, 3 listopada 2026 08:05\nDo: Desk\nTemat: Odp: etykiety",
    "Från: Mia Lund\nSkickat: den 3 november 2026 08:05\nTill: Desk\nÄmne: SV: etiketter",
    "Fra: Mia Lund\nSendt: 3. november 2026 08:05\nTil: Desk\nEmne: SV: etiketter",
    "Lähettäjä: Mia Lund\nLähetetty: tiistai 3. marraskuuta 2026 8.05\nVastaanottaja: Desk\nAihe: VS: tarrat",
    "Od: Mia Lund\nOdesláno: úterý 3. listopadu 2026 8:05\nKomu: Desk\nPředmět: RE: štítky",
    "Kimden: Mia Lund\nGönderildi: 3 Kasım 2026 Salı 08:05\nKime: Desk\nKonu: YNT: etiketler",
    "От: Mia Lund\nОтправлено: 3 ноября 2026 г. 8:05\nКому: Desk\nТема: RE: этикетки",
    "差出人: Mia Lund\n送信日時: 2026年11月3日 8:05\n宛先: Desk\n件名: RE: ラベル",
    "发件人: Mia Lund\n发送时间: 2026年11月3日 8:05\n收件人: Desk\n主题: 回复: 标签",
    "보낸 사람: Mia Lund\n보낸 날짜: 2026년 11월 3일 화요일 오전 8:05\n받는 사람: Desk\n제목: RE: 라벨",
    "----- Messaggio originale -----\nDa: Mia Lund\nInviato: martedì",
    "-------- Oorspronkelijk bericht --------",
    "-----Mensaje original-----",
    "##- Please type your reply above this line -##\n\nYour request (8812) has been updated.",
    "##- Bitte geben Sie Ihre Antwort oberhalb dieser Zeile ein. -##",
    "--- Reply above this line ---",
    "Mia Lund (Desk), Nov 3, 2026, 08:05 GMT+1",
    "Request #8812 \"Labels\" was closed and merged into this request. Last comment in request #8812:",
];

/// How a forward begins, by program and language.
const FORWARDS: [&str; 16] = [
    "---------- Forwarded message ---------\nFrom: Mia Lund <mia@wheels.example>\nDate: Tue, Nov 3, 2026\nSubject: Labels\nTo: <shop@x.example>",
    "Begin forwarded message:\n\nFrom: Mia Lund <mia@wheels.example>\nSubject: Labels\nDate: 3 November 2026\nTo: shop@x.example",
    "Anfang der weitergeleiteten Nachricht:\n\nVon: Mia Lund <mia@wheels.example>\nBetreff: Etiketten\nDatum: 3. November 2026\nAn: shop@x.example",
    "-------- Weitergeleitete Nachricht --------\nBetreff: Etiketten\nDatum: Tue, 3 Nov 2026\nVon: Mia Lund <mia@wheels.example>\nAn: shop@x.example",
    "Début du message transféré :\n\nDe : Mia Lund <mia@wheels.example>\nObjet : étiquettes",
    "-------- Message transféré --------\nSujet : étiquettes\nDate : Tue, 3 Nov 2026\nDe : Mia Lund <mia@wheels.example>\nPour : shop@x.example",
    "-------- Mensaje reenviado --------\nAsunto: etiquetas\nFecha: Tue, 3 Nov 2026\nDe: Mia Lund <mia@wheels.example>\nPara: shop@x.example",
    "Inizio messaggio inoltrato:\n\nDa: Mia Lund <mia@wheels.example>\nOggetto: etichette",
    "-------- Mensagem encaminhada --------\nAssunto: etiquetas\nDe: Mia Lund <mia@wheels.example>\nPara: shop@x.example",
    "Begin doorgestuurd bericht:\n\nVan: Mia Lund <mia@wheels.example>\nOnderwerp: labels",
    "============ Forwarded message ============\nFrom: Mia Lund <mia@wheels.example>\nTo: shop@x.example\nDate: Tue, 03 Nov 2026\nSubject: Labels\n============ Forwarded message ============",
    "----- Forwarded Message ----- From: Mia Lund <mia@wheels.example> To: \"shop@x.example\" <shop@x.example> Sent: Tuesday, November 3, 2026 Subject: Labels",
    "----- Weitergeleitet von Tom/ACME am 03.11.2026 08:05 -----\n\nVon: Mia Lund <mia@wheels.example>\nAn: shop@x.example\nDatum: 03.11.2026",
    "-------- Vidarebefordrat meddelande --------\nÄmne: etiketter\nFrån: Mia Lund <mia@wheels.example>\nTill: shop@x.example",
    "---------- Przekazana wiadomość ---------\nOd: Mia Lund <mia@wheels.example>\nDo: shop@x.example\nTemat: etykiety",
    "-------- Пересылаемое сообщение --------\nОт: Mia Lund <mia@wheels.example>\nКому: shop@x.example\nТема: этикетки",
];

fn read(body: &str, subject: &str) -> Message {
    mail::read(body, Context { subject, requester: None })
}

#[test]
fn history_of_every_client_is_cut() {
    for (language, own) in OWN {
        for header in HEADERS {
            for old in [OLD.to_owned(), format!("> {OLD}\n> Bye")] {
                let body = format!("{own}\n\n{header}\n\n{old}\n");
                let found = read(&body, "Re: Labels");
                assert_eq!(found.own, own, "{language}: {body}");
                assert!(found.history && found.forwarded.is_none(), "{language}: {body}");
                assert!(found.left_out.iter().any(|part| part.text.contains("OLDTHREAT")), "{body}");
            }
        }
    }
}

#[test]
fn few_words_speak_for_themselves() {
    let answers = [
        "Thanks, all solved!",
        "Danke!",
        "Passt, erledigt.",
        "Merci, c'est bon.",
        "Gracias, ya funciona.",
        "OK",
        "Still broken.",
        "Grazie, risolto.",
        "Bedankt!",
    ];
    for own in answers {
        for header in HEADERS {
            let found = read(&format!("{own}\n\n{header}\n\n{OLD}"), "Re: Labels");
            assert_eq!((found.own.as_str(), found.forwarded), (own, None), "{header}");
        }
    }
}

#[test]
fn below_nothing_but_a_greeting_is_a_forward() {
    for above in [
        "",
        "FYI\n\n",
        "Hallo zusammen,\n\nzur Info.\n\nViele Grüße\nTom\n\n",
        "Voir ci-dessous.\n\n",
        "Kind regards,\nTom Baker\n\n",
    ] {
        for header in HEADERS {
            let found = read(&format!("{above}{header}\n\n{OLD}"), "Re: Labels");
            let forwarded = found.forwarded.unwrap_or_default();
            assert!(forwarded.text.contains("OLDTHREAT"), "{above}{header}: {}", forwarded.text);
            assert!(!found.own.contains("OLDTHREAT"), "{above}{header}");
        }
    }
}

#[test]
fn forwards_are_somebody_elses_words() {
    for (language, own) in OWN {
        for banner in FORWARDS {
            for subject in ["Fwd: Labels", "Labels"] {
                let found = read(&format!("{own}\n\n{banner}\n\n{OLD}\n"), subject);
                assert_eq!(found.own, own, "{language}: {banner}");
                let forwarded = found.forwarded.expect(banner);
                assert_eq!(forwarded.text, OLD, "{language}: {banner}");
                assert!(forwarded.from.is_some_and(|from| from.contains("Mia Lund")), "{banner}");
                assert!(!found.history, "{banner}");
            }
        }
    }
}

#[test]
fn the_subject_tells_a_forward_from_a_reply() {
    let check = |subject: &str, forward: bool| {
        let body = "Can you help this shop?\n\nFrom: Mia Lund <mia@wheels.example>\nSent: Tuesday\nTo: shop@x.example\nSubject: Labels\n\nNothing prints.";
        let found = read(body, subject);
        assert_eq!((found.forwarded.is_some(), found.history), (forward, !forward), "{subject}");
    };
    for subject in [
        "Fwd: Labels",
        "FW: Labels",
        "WG: Labels",
        "TR: Labels",
        "RV: Labels",
        "I: Labels",
        "ENC: Labels",
        "PD: Labels",
        "VB: Labels",
        "[EXT] Fwd: Re: Labels",
    ] {
        check(subject, true);
    }
    for subject in [
        "Re: Labels",
        "AW: Labels",
        "SV: Labels",
        "Odp: Labels",
        "R: Labels",
        "RES: Labels",
        "Re: Fwd: Labels",
        "Labels",
    ] {
        check(subject, false);
    }
}

#[test]
fn what_is_passed_on_without_a_banner_is_a_forward() {
    let above = "I am passing on what our branch in Bristol wrote to me, please take it from there.";
    for below in [
        "On 3 Nov 2026, Mia <mia@x.example> wrote:\n\nNothing prints.",
        "On 3 Nov 2026, Mia <mia@x.example> wrote:\n> Nothing prints.",
        "> Nothing prints.",
    ] {
        for subject in ["Fwd: Labels", "Labels"] {
            let found = read(&format!("{above}\n\n{below}"), subject);
            assert_eq!(found.own, above, "{below}");
            assert_eq!(found.forwarded.map(|forwarded| forwarded.text).as_deref(), Some("Nothing prints."), "{below}");
        }
        assert!(read(&format!("{above}\n\n{below}"), "Re: Labels").history, "{below}");
    }
}

#[test]
fn answers_between_quoted_lines_stay_together() {
    let body = "On 3 Nov 2026, at 08:05, Desk <desk@x.example> wrote:\n> Which browser do you use?\n\nFirefox 140.\n\n> Since when?\n\nSince Monday.\n\
                Before that it worked.\n\n> Kind regards\n> Desk";
    let found = read(body, "Re: Labels");
    assert_eq!(found.own, "Firefox 140.\n\nSince Monday.\nBefore that it worked.");
    assert!(found.history && found.forwarded.is_none());
}

#[test]
fn html_of_mail_programs_is_read_as_text() {
    let check = |html: &str, own: &str| {
        let found = read(html, "Re: Labels");
        assert_eq!(found.own, own, "{html}");
        assert!(found.history, "{html}");
    };
    check(
        "<div dir=\"ltr\">Works now.</div><br><div class=\"gmail_quote\"><div class=\"gmail_attr\">On Tue, Nov 3, 2026 at 8:05 AM Mia &lt;<a href=\"mailto:m@x.example\">m@x.example</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\">We leave.</blockquote></div>",
        "Works now.",
    );
    check(
        "<p>Works now.</p><div style=\"border:none;border-top:solid #E1E1E1 1.0pt\"><p><b>From:</b> Mia &lt;m@x.example&gt;<br><b>Sent:</b> Tuesday<br><b>To:</b> Desk<br><b>Subject:</b> Labels</p></div><p>We leave.</p>",
        "Works now.",
    );
    check("<html><body>Works now.<blockquote type=\"cite\">We leave.</blockquote></body></html>", "Works now.");
}

#[test]
fn what_the_customer_writes_stays_whole() {
    for own in [
        "On Tuesday I am offline, on Wednesday not.\nAm I right that we may print A6?",
        "From: the warehouse it looks fine.\nTo: whom do I speak?",
        "Thanks,\n\nbut the checkout is down for all shoppers again.",
        "We cannot ship.\nThanks!\nOh, and the export is empty for all stores.",
        "Two things:\n- the export is empty\n- the import fails\n\nBest\n- and the printer is dead too",
        "The page says:\n\n> Payment gateway is down\n\nSince when?",
        "---\nSection one\n---\nSection two is broken.",
        "> 50 orders are stuck",
        "The original message was lost, please send it again.",
        "On 2 Nov 2026 your colleague wrote: wait a week. We waited.",
    ] {
        let found = read(own, "");
        let words = |text: &str| {
            text.split_whitespace()
                .map(|word| word.trim_start_matches('>').to_owned())
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&found.own), words(own), "{own}");
        assert_eq!(found.left_out, [], "{own}");
    }
}

#[test]
fn boilerplate_of_many_companies_goes() {
    let footers = [
        ("Kind regards,\nTom Baker\nHead of Operations\n+44 20 7946 0123", Rule::Signature),
        ("-- \nTom Baker\nwheels.example", Rule::Signature),
        ("Mit freundlichen Grüßen\nTom Bäcker\n\nWheels GmbH\nTel.: +49 30 1234567", Rule::Signature),
        ("Cordialement,\nTom Boulanger", Rule::Signature),
        ("Saludos,\nTomás", Rule::Signature),
        ("Sent from my iPhone", Rule::Device),
        ("Von meinem iPhone gesendet", Rule::Device),
        (
            "This email is confidential and intended only for the addressee. If you are not the recipient, delete it and notify the sender.",
            Rule::Disclaimer,
        ),
        (
            "Ce message est confidentiel et destiné à son seul destinataire. Si vous l'avez reçu par erreur, merci d'avertir l'expéditeur et de le détruire.",
            Rule::Disclaimer,
        ),
        ("Please consider the environment before printing this email.", Rule::Environment),
        ("Virus-free. www.avast.com", Rule::Antivirus),
        (
            "You are receiving this email because you subscribed. Unsubscribe here: https://x.example/u",
            Rule::Unsubscribe,
        ),
        (
            "Wheels GmbH, Sitz der Gesellschaft: Köln, Amtsgericht Köln HRB 1234, Geschäftsführer: Tom Bäcker",
            Rule::Company,
        ),
    ];
    for (language, own) in OWN {
        for (footer, rule) in footers {
            let found = read(&format!("{own}\n\n{footer}\n"), "");
            assert_eq!(found.own, own, "{language}: {footer}");
            assert!(found.left_out.iter().any(|part| part.rule == rule), "{footer}: {:?}", found.left_out);
            assert!(!found.is_mixed(), "{footer}");
        }
        let all: String = footers.iter().map(|(footer, _)| format!("\n\n{footer}")).collect();
        assert_eq!(read(&format!("{own}{all}"), "").own, own, "{language}");
    }
}

#[test]
fn nothing_is_never_all_that_remains() {
    let check = |body: &str, own: &str, forwarded: &str| {
        let found = read(body, "");
        assert_eq!((found.own.as_str(), found.forwarded.unwrap_or_default().text.as_str()), (own, forwarded), "{body}");
    };
    check("{\"error\": \"timeout\",\n\"code\": 504}", "{\"error\": \"timeout\",\n\"code\": 504}", "");
    check(
        "Bot: Do you want to upgrade?\nBot: Here are our prices now.\nAgent: Hello, I am here.",
        "",
        "Bot: Do you want to upgrade?\nBot: Here are our prices now.\nAgent: Hello, I am here.",
    );
    check("Sent from my iPhone", "Sent from my iPhone", "");
    check("> Nothing prints.\n> Since Monday.", "", "Nothing prints.\nSince Monday.");
    check("", "", "");
    assert!(read("{\"error\": \"timeout\",\n\"code\": 504}", "").kept_all);
}

#[test]
fn the_follow_up_line_names_its_subject() {
    let found = read(
        "This is a follow-up to your previous request #8812 \"Checkout down\"\n\nHallo, wo ist das Papierformat?",
        "Re: Checkout down",
    );
    assert_eq!(found.own, "Hallo, wo ist das Papierformat?");
    assert_eq!(found.follows.as_deref(), Some("Checkout down"));
    assert!(found.left_out.iter().any(|part| part.rule.class() == Class::Boilerplate));
}

fn letters(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Whether all letters of one text are in the other, in this order.
fn is_within(inner: &[char], outer: &[char]) -> bool {
    let mut outer = outer.iter();
    inner.iter().all(|letter| outer.any(|c| c == letter))
}

/// Pieces of mail, in any order.
fn mail_like() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        prop::sample::select(HEADERS.to_vec()).prop_map(str::to_owned),
        prop::sample::select(FORWARDS.to_vec()).prop_map(str::to_owned),
        prop::sample::select(OWN.to_vec()).prop_map(|(_, own)| own.to_owned()),
        prop::sample::select(vec![
            "Best regards,",
            "Tom Baker",
            "-- ",
            "Sent from my iPhone",
            "> quoted",
            ">> twice",
            "FYI",
            "Thanks!",
            "",
            "{\"a\": 1}",
            "at com.acme.Sync.run(Sync.java:42)",
            "Agent: how can I help you?",
            "Me: it is down again",
            "(09:12) Bot: hello there",
            "<p>html</p>",
            "1;2;3",
            "- a bullet line",
            "Please consider the environment before printing.",
        ])
        .prop_map(str::to_owned),
        "[a-zäé0-9 .,:<>@#>*_\\\\-]{0,40}",
        "(?s).{0,20}",
    ];
    prop::collection::vec(line, 0..14).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(body in mail_like(), subject in ".{0,20}", requester in proptest::option::of(".{0,12}")) {
        let found = mail::read(&body, Context { subject: &subject, requester: requester.as_deref() });
        let whole = letters(&mail::normalise::body(&body).text);
        prop_assert!(is_within(&letters(&found.own), &whole), "{}", found.own);
    }

    #[test]
    fn nothing_but_blanks_is_lost_unseen(body in mail_like()) {
        let found = read(&body, "Re: x");
        let said = letters(&mail::normalise::body(&body).text).len();
        let named = letters(&found.own).len() + found.left_out.iter().map(|part| letters(&part.text).len()).sum::<usize>()
            + found.forwarded.iter().map(|part| letters(&part.text).len()).sum::<usize>();
        // The names of speakers are no words of theirs.
        prop_assert!(found.others || named >= said, "{named} of {said}: {found:?}");
        prop_assert!(said == 0 || !found.own.is_empty() || found.forwarded.is_some(), "{found:?}");
    }

    #[test]
    fn reading_it_again_changes_nothing(own in prop::sample::select(OWN.to_vec()), header in prop::sample::select(HEADERS.to_vec()), closing in prop::sample::select(vec!["", "\n\nBest regards,\nTom", "\n\n-- \nTom"])) {
        let once = read(&format!("{}{closing}\n\n{header}\n\n{OLD}", own.1), "Re: x").own;
        prop_assert_eq!(&read(&once, "Re: x").own, &once);
    }
}

#[test]
fn time_grows_with_the_text() {
    let shapes = [
        "> a\nb\n",
        "x:\n> a\n\n",
        "From: a\nTo: b\n",
        "-- \n",
        "{\n",
        "<p ",
        "<p>a",
        "On 2 Nov 2026, <a@b.example> ",
        "a: b c d\nb: c d e\n",
        "(09:12) a: b\n",
        "> ",
        "&amp;",
        "\\n\\n a.",
        "Best,\nTom\n\n",
        "-----Original Message-----\n",
        "---------- Forwarded message ---------\n",
        "This email is confidential. intended recipient delete notify\n\n",
        "From: a@b To: c Subject: d ",
        "a",
        "a ",
        "1;2;3\n",
        "> From: a\n> Sent: b\n> To: c\nx\n",
        "```\n",
        "Request #1 was closed and merged into this request\n",
        "а",
        "\u{ad}",
        "<style>",
        "at a.b(c.java:1)\n",
    ];
    let time = |text: &str| {
        let start = std::time::Instant::now();
        let _ = read(text, "");
        start.elapsed()
    };
    let fastest = |times: usize, text: &str| (0..times).map(|_| time(text)).min().expect("once at least");
    let _ = time("warm");
    for shape in shapes {
        let small = fastest(5, &shape.repeat(8_000 / shape.len()));
        let large = fastest(5, &shape.repeat(64_000 / shape.len()));
        // Eight times the text: 8 is linear, 64 quadratic. Below two milliseconds the clock decides.
        assert!(large < 30 * small.max(std::time::Duration::from_millis(2)), "{shape:?}: {small:?} and {large:?}");
    }
}

#[test]
fn every_rule_is_in_the_document() {
    let document = include_str!("../../../docs/reading.md");
    for rule in Rule::iter() {
        assert!(document.contains(&format!("`{}`", rule.name())), "{}", rule.name());
    }
}
