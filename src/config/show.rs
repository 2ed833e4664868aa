//! The effective config as TOML and as JSON, for `chimewheel config show`.
//!
//! Secrets are only ever named in a config, and even their names are not repeated here.
//! Not here: reading (`mod`).

use serde_json::{Map, Value, json};

use super::{Agent, Config, Format, Gateway};

impl Config {
    /// The effective config as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let gateways: Map<String, Value> = self
            .gateways
            .iter()
            .map(|(name, gateway)| {
                let shown = match gateway {
                    Gateway::Console { format } => json!({"kind": "console", "format": format.word()}),
                    Gateway::NotBuilt { kind } => json!({"kind": kind}),
                };
                (name.clone(), shown)
            })
            .collect();
        let agents: Map<String, Value> =
            self.agents.iter().map(|(name, agent)| (name.to_owned(), agent.to_json())).collect();
        let mut log = Map::new();
        if let Some(level) = &self.log.level {
            log.insert("level".to_owned(), json!(level));
        }
        log.insert("format".to_owned(), json!(self.log.format.word()));
        json!({
            "data": self.data.display().to_string(),
            "schedules": self.schedules.display().to_string(),
            "scripts": self.scripts.display().to_string(),
            "listen": self.listen.to_string(),
            "timezone": self.timezone,
            "gateways": gateways,
            "agents": agents,
            "tools": {"sets": self.tool_sets},
            "limits": {
                "history_days": self.limits.history_days,
                "cache_mb": self.limits.cache_mb,
                "pause_after_failures": self.limits.pause_after_failures,
                "catchup_per_second": self.limits.catchup_per_second,
            },
            "log": log,
        })
    }

    /// The effective config as TOML.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let shown: Option<toml::Value> = serde_json::from_value(self.to_json()).ok();
        shown.and_then(|value| toml::to_string(&value).ok()).unwrap_or_default()
    }
}

impl Agent {
    fn to_json(&self) -> Value {
        let Self { timezone, token, destinations, quota, expires, tools } = self;
        let mut shown = json!({
            "destinations": destinations.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "quota": {
                "active": quota.active,
                "min_interval": quota.min_interval.to_string(),
                "fires_per_day": quota.fires_per_day,
                "payload_bytes": quota.payload_bytes,
            },
        });
        let masked = token.as_ref().map(|_| "***".to_owned());
        for (key, value) in
            [("timezone", timezone.clone()), ("token", masked), ("expires", expires.map(|span| span.to_string()))]
        {
            if let Some(value) = value {
                shown[key] = json!(value);
            }
        }
        if let Some(tools) = tools {
            shown["tools"] = json!(tools);
        }
        shown
    }
}

impl Format {
    const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}
