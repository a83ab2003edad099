//! The public package that the encoder comes from is the measure: `infra/encoder/oracle.py` wrote what it answers with the
//! same weights.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use base64::{Engine, prelude::BASE64_STANDARD};
use encoder::{DIMENSIONS, Encoder, cosine};
use proptest::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
struct Line {
    text: String,
    /// What the package cuts the text into.
    pieces: Vec<Option<String>>,
    vector: String,
}

fn lines() -> Vec<Line> {
    include_str!("oracle.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn encoder() -> Encoder {
    Encoder::new(data::ENCODER).unwrap()
}

/// One byte a number, as the fixture has it.
fn unpack(packed: &str) -> [f32; DIMENSIONS] {
    let bytes = BASE64_STANDARD.decode(packed).unwrap();
    let mut vector: [f32; DIMENSIONS] =
        bytes.iter().map(|byte| f32::from(byte.cast_signed())).collect::<Vec<_>>().try_into().unwrap();
    let length = cosine(&vector, &vector).sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

#[test]
fn texts_are_cut_into_the_pieces_of_the_package() {
    let encoder = encoder();
    for line in lines() {
        let expected: Vec<_> = line.pieces.iter().map(Option::as_deref).collect();
        assert_eq!(encoder.pieces(&line.text), expected, "{:?}", line.text);
    }
}

#[test]
fn vectors_are_those_of_the_packages_arithmetic() {
    let encoder = encoder();
    let mut sum = 0.0;
    for line in lines() {
        let vector = encoder.encode(&[&line.text]).remove(0).vector;
        let close = cosine(&vector, &unpack(&line.vector));
        assert!(close >= 0.98, "{close}: {:?}", line.text);
        sum += close;
    }
    let mean = sum / lines().len() as f32;
    println!("mean cosine {mean:.4}");
    assert!(mean >= 0.995, "{mean}");
}

#[test]
fn a_sentence_has_the_same_vector_in_any_company() {
    let encoder = encoder();
    let lines = lines();
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    for (text, together) in texts.iter().zip(encoder.encode(&texts)) {
        let alone = encoder.encode(&[text]).remove(0);
        assert!(cosine(&alone.vector, &together.vector) > 0.999_99, "{text:?}");
        let findings: f32 = alone.findings.iter().zip(together.findings).map(|(a, b)| a * b).sum();
        assert!(findings > 0.999_99, "{text:?}");
    }
}

#[test]
fn findings_tell_of_a_phrase_whatever_stands_around_it() {
    let phrase = "nobody can pay";
    let around = [
        "yesterday we moved the fair stand to hall 0, and since then nobody can pay with the reader that came with it",
        "yesterday we moved the fair stand to hall 0, and since then we are happy with the reader that came with it",
    ];
    let [phrase, with, without] = encoder().encode(&[phrase, around[0], around[1]]).try_into().unwrap();
    assert!(phrase.findings.iter().sum::<f32>().abs() < 1e-3);
    let alike = |a: &encoder::Encoded, b: &encoder::Encoded| -> f32 {
        a.findings.iter().zip(b.findings).map(|(a, b)| a * b).sum()
    };
    assert!((alike(&with, &with) - 1.0).abs() < 1e-4);
    assert!(alike(&phrase, &with) > alike(&phrase, &without) + 0.1, "{}", alike(&phrase, &with));
}

#[test]
fn the_same_matter_in_four_languages_is_close() {
    let [en, fr, de, es, other] = encoder()
        .encode(&[
            "How can I rotate our API key?",
            "Comment puis-je renouveler notre clé API ?",
            "Wie kann ich unseren API-Schlüssel erneuern?",
            "¿Cómo puedo renovar nuestra clave de API?",
            "The parcel was damaged when it arrived at our customer's door.",
        ])
        .into_iter()
        .map(|encoded| encoded.vector)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    for translation in [fr, de, es] {
        let (same, different) = (cosine(&en, &translation), cosine(&other, &translation));
        assert!(same > different + 0.2, "{same} and {different}");
    }
}

#[test]
fn the_file_is_the_one_of_the_notice_and_small_enough() {
    let digest: String = Sha256::digest(data::ENCODER).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(include_str!("../../data/models/NOTICE").contains(&digest), "{digest}");
    assert!(data::ENCODER.len() <= 48_000_000, "{}", data::ENCODER.len());
}

#[test]
fn a_broken_file_is_told() {
    assert_eq!(Encoder::new(b"").err().unwrap().to_string(), "the encoder's file ends too early");
    assert_eq!(Encoder::new(b"something else entirely").err(), Some(encoder::Broken::Magic));
    let (_, cut) = data::ENCODER.split_last().unwrap();
    assert_eq!(Encoder::new(cut).err(), Some(encoder::Broken::TooShort));
    // The normaliser is the last section; it begins with the length of its trie.
    let normalizer = u32::from_le_bytes(data::ENCODER[16..20].try_into().unwrap()) as usize;
    let start = data::ENCODER.len() - normalizer;
    let mut broken = data::ENCODER.to_vec();
    broken[start..start + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Encoder::new(broken.leak()).err(), Some(encoder::Broken::TooShort));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_has_a_vector_of_length_one(text in "(?s).{0,120}") {
        let encoder = ENCODER.get_or_init(encoder);
        let vector = encoder.encode(&[&text]).remove(0).vector;
        prop_assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-4, "{text:?}");
    }
}

static ENCODER: std::sync::OnceLock<Encoder> = std::sync::OnceLock::new();
