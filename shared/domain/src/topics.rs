//! What tickets are about: the topics that the embedded analyst knows, each within one of three areas.

/// The areas: integrations, data, operations. They are the bundled teams.
pub const AREAS: usize = 3;

const NEXUS: usize = 0;
const CIPHER: usize = 1;
const SENTINEL: usize = 2;

/// A topic that the embedded analyst knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    pub id: &'static str,
    pub area: usize,
    /// What belongs to it, for whoever ties it to a team.
    pub definition: &'static str,
}

const fn known(id: &'static str, area: usize, definition: &'static str) -> Known {
    Known { id, area, definition }
}

/// The order is the model's.
pub const TOPICS: [Known; 32] = [
    known("webhooks", NEXUS, "deliveries, retries and signatures of webhooks"),
    known("api-access", NEXUS, "API keys, OAuth, tokens and scopes"),
    known("rate-limits", NEXUS, "limits of requests, and answers that say so"),
    known("api-usage", NEXUS, "endpoints, errors, versions, SDKs and their documentation"),
    known("order-sync", NEXUS, "orders and their status that do not come over between systems"),
    known("stock-sync", NEXUS, "stock levels that do not come over or differ"),
    known("catalogue-sync", NEXUS, "products, prices and images that do not come over"),
    known("connectors", NEXUS, "installing, connecting and updating a shop, an ERP or a plugin"),
    known("tracking", CIPHER, "events, the pixel and consent"),
    known("data-quality", CIPHER, "duplicates, gaps, and figures that differ between systems"),
    known("reports", CIPHER, "dashboards, metrics and their definitions, scheduled reports"),
    known("exports", CIPHER, "files and feeds out of the product"),
    known("report-performance", CIPHER, "reports and queries that are slow or time out"),
    known("search", CIPHER, "the shop's search and its statistics"),
    known("forecasts", CIPHER, "forecasts, alarms on figures, anomalies"),
    known("segments", CIPHER, "audiences, cohorts and funnels"),
    known("payments", SENTINEL, "the checkout, charges of shoppers, methods of payment"),
    known("refunds", SENTINEL, "money back to shoppers"),
    known("payouts", SENTINEL, "settlements to the merchant's bank"),
    known("disputes", SENTINEL, "chargebacks and the screening for fraud"),
    known("taxes", SENTINEL, "VAT and sales tax on orders"),
    known("billing", SENTINEL, "our invoices and charges to the customer"),
    known("contract", SENTINEL, "plans, prices, seats, terms, notice"),
    known("access", SENTINEL, "signing in, SSO, two factors, locked accounts"),
    known("users", SENTINEL, "users, roles, permissions, invitations"),
    known("security", SENTINEL, "breaches, leaked keys, taken accounts, phishing"),
    known("privacy", SENTINEL, "data protection, its contracts, erasure"),
    known("labels", SENTINEL, "shipping labels and carriers"),
    known("returns", SENTINEL, "returns and their portal"),
    known("warehouse", SENTINEL, "picking, packing, holds, locations"),
    known("outage", SENTINEL, "the platform as such: down, slow, its status"),
    known("account", SENTINEL, "company data, settings, notifications, anything general"),
];

/// The number of a topic among [`TOPICS`].
#[must_use]
pub fn class(id: &str) -> Option<usize> {
    TOPICS.iter().position(|topic| topic.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_topic_is_there_once_and_in_an_area() {
        let ids: BTreeSet<&str> = TOPICS.iter().map(|topic| topic.id).collect();
        assert_eq!(ids.len(), TOPICS.len());
        assert!(TOPICS.iter().all(|topic| topic.area < AREAS));
        assert_eq!(class("payouts"), Some(18));
        assert_eq!(class("astrology"), None);
    }
}
