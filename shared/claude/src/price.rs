//! What tokens cost: the one place to change when the list changes.

use domain::reading::Usage;

/// The day the list below was read off the vendor's pages.
pub const AS_OF: &str = "2026-11-23";

/// US dollars per million tokens, which is micro-dollars per token.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Price {
    pub input: f64,
    /// Written to the cache for an hour.
    pub cache_write: f64,
    pub cache_read: f64,
    pub output: f64,
}

/// A model whose price is known. Prices are for prompts up to 100,000 tokens; ours are cut far below.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Listed {
    pub model: &'static str,
    pub price: Price,
}

pub const LIST: [Listed; 3] = [
    Listed {
        model: "claude-haiku-5-5",
        price: Price { input: 0.10, cache_write: 0.20, cache_read: 0.01, output: 0.50 },
    },
    Listed {
        model: "claude-sonnet-5-5",
        price: Price { input: 2.00, cache_write: 4.00, cache_read: 0.10, output: 10.00 },
    },
    Listed {
        model: "claude-opus-5-5",
        price: Price { input: 4.00, cache_write: 8.00, cache_read: 0.20, output: 20.00 },
    },
];

/// Tokens the service adds to a request with a schema: their number is not published, and this is generous.
const SCHEMA_LINES: usize = 1_000;

/// The price of a model by its id.
#[must_use]
pub fn of(model: &str) -> Option<Price> {
    LIST.into_iter().find(|listed| listed.model == model).map(|listed| listed.price)
}

impl Price {
    /// US dollars.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> f64 {
        let plain = usage.input_tokens.saturating_sub(usage.cache_read_tokens + usage.cache_write_tokens);
        let micro = plain as f64 * self.input
            + usage.cache_write_tokens as f64 * self.cache_write
            + usage.cache_read_tokens as f64 * self.cache_read
            + usage.output_tokens as f64 * self.output;
        micro / 1e6
    }

    /// Micro-dollars a request can cost at most: a token is at least one byte, the service adds some lines of its own for
    /// the schema, nothing is in the cache yet, and the answer is as long as it may be.
    #[must_use]
    pub fn at_most(&self, request_bytes: usize, max_tokens: u32) -> u64 {
        let tokens = (request_bytes + SCHEMA_LINES) as f64;
        (tokens * self.cache_write.max(self.input) + f64::from(max_tokens) * self.output).ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_token_has_its_price() {
        let price = of("claude-haiku-5-5").unwrap();
        let usage = Usage {
            llm_calls: 1,
            input_tokens: 3_000_000,
            cache_read_tokens: 1_000_000,
            cache_write_tokens: 1_000_000,
            output_tokens: 1_000_000,
            cost_usd: 0.0,
        };
        assert!((price.cost(&usage) - (0.10 + 0.20 + 0.01 + 0.50)).abs() < 1e-9);
        assert_eq!(price.at_most(2_000, 1_500), 600 + 750);
        assert_eq!(of("claude-2"), None);
    }
}
