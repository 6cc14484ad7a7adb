//! The value: a plain struct of tables, declared once by [`value!`](crate::value).
//!
//! The macro generates what an engine must do for each table (route a logged row by its kind, undo a change),
//! so that the engine knows no resource and a new table is one entry in one list.

use crate::change::{Change, DecodeError};
use crate::table::Table;

/// A struct of tables that an [`Engine`](crate::Engine) can hold. Made by [`value!`](crate::value).
pub trait Value: Clone + Default + Send + Sync + 'static {
    /// The kinds of the tables with the versions that they write, in declared order.
    const KINDS: &'static [(&'static str, u32)];

    /// Reads a change of a kind known by name from logged (version, JSON) bodies; without an id, a body tells it.
    fn decode(
        kind: &str,
        id: Option<&str>,
        before: Option<(u32, &str)>,
        after: Option<(u32, &str)>,
    ) -> Result<Change, DecodeError>;

    /// Makes the row be as it was after the change.
    fn apply(&mut self, change: &Change);

    /// Makes the row be as it was before the change.
    fn revert(&mut self, change: &Change);

    /// When the next row of any table is due, in milliseconds.
    fn next_due(&self) -> Option<i64>;

    /// How many rows each table holds, by kind.
    fn row_counts(&self) -> Vec<(&'static str, usize)>;
}

/// That a value has the table `T`: what makes `tx.put::<T>(row)` typed.
pub trait Has<T: Table>: Value {
    /// The table.
    fn table(&self) -> &T;
    /// The table, to change it: for the engine alone.
    #[doc(hidden)]
    fn table_mut(&mut self) -> &mut T;
}

/// The number in a version written as `v7`. Only for the macro.
#[doc(hidden)]
pub const fn parse_version(text: &str) -> u32 {
    let bytes = text.as_bytes();
    assert!(bytes.len() > 1 && bytes[0] == b'v', "a version is written v1, v2, …");
    let mut number = 0;
    let mut at = 1;
    while at < bytes.len() {
        assert!(bytes[at].is_ascii_digit(), "a version is written v1, v2, …");
        number = number * 10 + (bytes[at] - b'0') as u32;
        at += 1;
    }
    assert!(number > 0, "versions start at v1");
    number
}

/// Declares a value and its tables.
///
/// ```
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # pub struct Machine { id: u64, host: Option<u32>, expires_at: Option<i64> }
/// landfall_state::value! {
///     /// A small cloud.
///     pub struct Cloud {
///         /// Machines.
///         pub machines: Machines = "machine" v1 {
///             row: Machine,
///             key: u64 = |row| row.id,
///             due: |row| row.expires_at,
///             index by_host: u32 = |row| row.host,
///         },
///     }
/// }
/// # let cloud = Cloud::default();
/// assert!(cloud.machines.get(&7).is_none());
/// assert_eq!(cloud.machines.by_host(&1).count(), 0);
/// assert_eq!(cloud.machines.by_host.count(&1), 0);
/// ```
///
/// For each table this makes a type (`Machines`) that is both the table and its name in
/// `tx.put::<Machines>(row)`. It dereferences to [`Rows`](crate::Rows) (`get`, `iter`, `range`, `due_until` …).
/// Each index is a method that yields rows in key order, and a field of the same name, an
/// [`Index`](crate::Index), which counts without walking. In order: `row`, `key`, then optionally `due`
/// (`Option<i64>` milliseconds), `upgrade` (`fn(u32, serde_json::Value) -> Result<serde_json::Value, String>`) and `record`
/// (the path of a function with the signature of [`Table::record`](crate::Table::record)),
/// then any number of `index name: KeyType = |row| expression`, whose expression yields any `IntoIterator` of
/// index keys: an `Option`, an array, an iterator that borrows from the row.
#[macro_export]
macro_rules! value {
    (
        $(#[$meta:meta])*
        $vis:vis struct $Value:ident {
            $(
                $(#[$field_meta:meta])*
                $field_vis:vis $field:ident : $Table:ident = $kind:literal $version:ident {
                    row: $Row:ty,
                    key: $Key:ty = |$key_row:pat_param| $key_of:expr
                    $(, due: |$due_row:pat_param| $due_of:expr)?
                    $(, upgrade: $upgrade:expr)?
                    $(, record: $record:path)?
                    $(, index $index:ident : $Index:ty = |$index_row:pat_param| $index_of:expr)*
                    $(,)?
                }
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Default)]
        $vis struct $Value {
            $( $(#[$field_meta])* $field_vis $field: $Table, )*
        }

        $(
            $(#[$field_meta])*
            #[derive(Clone, Default)]
            $vis struct $Table {
                rows: $crate::Rows<$Table>,
                $(
                    /// The index of this name: counts, and primary keys without their rows.
                    pub $index: $crate::Index<$Index, $Key>,
                )*
            }

            impl $Table {
                $(
                    /// The rows with this index key, in key order.
                    pub fn $index<'a>(&'a self, index: &$Index) -> impl DoubleEndedIterator<Item = &'a $Row> + use<'a> {
                        self.$index.keys(index).filter_map(|key| self.rows.get(key))
                    }
                )*
            }

            impl ::std::ops::Deref for $Table {
                type Target = $crate::Rows<$Table>;
                fn deref(&self) -> &Self::Target {
                    &self.rows
                }
            }

            impl $crate::Table for $Table {
                const KIND: &'static str = $kind;
                const VERSION: u32 = $crate::parse_version(::std::stringify!($version));
                type Key = $Key;
                type Row = $Row;

                fn key(row: &Self::Row) -> Self::Key {
                    let $key_row = row;
                    $key_of
                }

                $(
                    fn due(row: &Self::Row) -> ::std::option::Option<i64> {
                        let $due_row = row;
                        $due_of
                    }
                )?

                $(
                    fn upgrade(
                        from: u32,
                        body: $crate::serde_json::Value,
                    ) -> ::std::result::Result<$crate::serde_json::Value, ::std::string::String> {
                        ($upgrade)(from, body)
                    }
                )?

                $(
                    fn record(
                        before: ::std::option::Option<&Self::Row>,
                        after: ::std::option::Option<&Self::Row>,
                        at: $crate::Moment,
                        records: &mut ::std::vec::Vec<$crate::BulkEntry>,
                    ) {
                        $record(before, after, at, records);
                    }
                )?

                fn rows(&self) -> &$crate::Rows<Self> {
                    &self.rows
                }

                fn replace(
                    &mut self,
                    key: &Self::Key,
                    row: ::std::option::Option<::std::sync::Arc<Self::Row>>,
                ) -> ::std::option::Option<::std::sync::Arc<Self::Row>> {
                    let before = self.rows.exchange(key, row.clone());
                    $(
                        self.$index.shift(key, before.as_deref(), row.as_deref(), |$index_row| $index_of);
                    )*
                    before
                }
            }

            impl $crate::Has<$Table> for $Value {
                fn table(&self) -> &$Table {
                    &self.$field
                }
                fn table_mut(&mut self) -> &mut $Table {
                    &mut self.$field
                }
            }
        )*

        impl $crate::Value for $Value {
            const KINDS: &'static [(&'static str, u32)] =
                &[$( ($kind, $crate::parse_version(::std::stringify!($version))) ),*];

            fn decode(
                kind: &str,
                id: ::std::option::Option<&str>,
                before: ::std::option::Option<(u32, &str)>,
                after: ::std::option::Option<(u32, &str)>,
            ) -> ::std::result::Result<$crate::Change, $crate::DecodeError> {
                match kind {
                    $( $kind => $crate::Change::decode::<$Table>(id, before, after), )*
                    _ => ::std::result::Result::Err($crate::DecodeError::UnknownKind(kind.to_owned())),
                }
            }

            fn apply(&mut self, change: &$crate::Change) {
                match change.kind() {
                    $( $kind => change.apply_to(&mut self.$field, true), )*
                    _ => {}
                }
            }

            fn revert(&mut self, change: &$crate::Change) {
                match change.kind() {
                    $( $kind => change.apply_to(&mut self.$field, false), )*
                    _ => {}
                }
            }

            fn next_due(&self) -> ::std::option::Option<i64> {
                [$( self.$field.next_due() ),*].into_iter().flatten().min()
            }

            fn row_counts(&self) -> ::std::vec::Vec<(&'static str, usize)> {
                ::std::vec![$( ($kind, self.$field.len()) ),*]
            }
        }
    };
}
