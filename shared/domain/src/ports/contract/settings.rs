//! Policy and secrets, as long as nobody changes them.

use secrecy::ExposeSecret;

use crate::{
    Policy,
    ports::{Settings, SigningSecrets},
};

/// Asked at once or one after the other, everybody gets the same policy. Returns it.
pub async fn everybody_gets_the_same_policy(settings: &impl Settings) -> Policy {
    let (first, second) = futures::try_join!(settings.policy(), settings.policy()).unwrap();
    let third = settings.policy().await.unwrap();
    assert_eq!(first, second);
    assert_eq!(first, third);
    Policy::clone(&first)
}

/// There is at least one secret, none that anybody could guess, and the current one stays first. Returns them.
pub async fn there_is_always_a_secret(secrets: &impl SigningSecrets) -> Vec<String> {
    let plain = |secrets: Vec<secrecy::SecretString>| -> Vec<String> {
        secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect()
    };
    let known = plain(secrets.secrets().await.unwrap());
    let refreshed = plain(secrets.refreshed().await.unwrap());
    assert!(!known.is_empty() && known.iter().all(|secret| !secret.is_empty()));
    assert_eq!(known, refreshed, "nobody rotated them");
    known
}
