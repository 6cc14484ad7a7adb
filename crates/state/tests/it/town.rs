//! A small value with every feature of a table: two indexes, one of them with several keys a row, due times and
//! an older version.

use serde::{Deserialize, Serialize};

/// A house.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct House {
    pub number: u32,
    pub street: String,
    pub tags: Vec<u8>,
    pub painted_at: Option<i64>,
    pub worth: i64,
}

/// A purse: money moves between purses and their sum stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Purse {
    pub owner: String,
    pub coins: i64,
}

landfall_state::value! {
    /// A town.
    pub struct Town {
        /// Houses.
        pub houses: Houses = "house" v2 {
            row: House,
            key: u32 = |house| house.number,
            due: |house| house.painted_at,
            upgrade: upgrade_house,
            index by_street: String = |house| Some(house.street.clone()),
            index by_tag: u8 = |house| house.tags.iter().copied(),
        },
        /// Purses.
        pub purses: Purses = "purse" v1 {
            row: Purse,
            key: String = |purse| purse.owner.clone(),
        },
    }
}

/// Version 1 had no worth.
fn upgrade_house(from: u32, mut body: serde_json::Value) -> Result<serde_json::Value, String> {
    assert_eq!(from, 1);
    body.as_object_mut().ok_or("not an object")?.insert("worth".to_owned(), 0.into());
    Ok(body)
}

pub fn house(number: u32, street: &str) -> House {
    House { number, street: street.to_owned(), tags: vec![(number % 3) as u8], painted_at: None, worth: 1 }
}
