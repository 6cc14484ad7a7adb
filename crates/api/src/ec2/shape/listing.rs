//! The rows that a Describe call shows: those of the ids that it names, all or nothing, or a page of all; of these the
//! ones that its filters select.

use std::ops::Bound;

use landfall_cloud::{Cloud, Fault, View};
use landfall_model::Scoped;
use landfall_model::id::{Id, Kind};
use landfall_state::{Has, Table};

use crate::filter::{FilterNames, Values};
use crate::{ApiError, Filters, Look};

/// Those rows, by id. `values` yields a field's values by the filter's name.
pub fn listing<'v, T, K>(
    look: &mut Look<'v, '_>,
    ids: &[Id<K>],
    filters: &Filters,
    names: FilterNames,
    values: impl Fn(&View<'v>, &'v T::Row, &str) -> Values<'v>,
) -> Result<Vec<&'v T::Row>, ApiError>
where
    T: Table<Key = Scoped<Id<K>>>,
    Cloud: Has<T>,
    K: Kind,
{
    listing_of::<T, K>(look, ids, filters, names, |_| true, values)
}

/// The same of those rows alone that have what is shown.
pub fn listing_of<'v, T, K>(
    look: &mut Look<'v, '_>,
    ids: &[Id<K>],
    filters: &Filters,
    names: FilterNames,
    has: impl Fn(&T::Row) -> bool,
    values: impl Fn(&View<'v>, &'v T::Row, &str) -> Values<'v>,
) -> Result<Vec<&'v T::Row>, ApiError>
where
    T: Table<Key = Scoped<Id<K>>>,
    Cloud: Has<T>,
    K: Kind,
{
    let view = look.view;
    let selection = filters.select(names)?;
    let matches = |row: &&'v T::Row| {
        has(row)
            && (selection.is_empty()
                || selection.matches(view.tags(&T::key(row).id.to_string()), |name| values(&view, row, name)))
    };
    if !ids.is_empty() {
        let rows = named::<T, K>(&view, ids)?;
        return look.page.take(rows.into_iter().filter(matches), |row| T::key(row).id);
    }
    let start = match look.page.start()? {
        Bound::Unbounded => Bound::Included(Id::MIN),
        start => start,
    };
    look.page.take(view.from::<T, Id<K>>(start).filter(matches), |row| T::key(row).id)
}

/// The rows of those ids, each once, in order: all of them, or an error that names those that aren't there.
pub fn named<'v, T, K>(view: &View<'v>, ids: &[Id<K>]) -> Result<Vec<&'v T::Row>, ApiError>
where
    T: Table<Key = Scoped<Id<K>>>,
    Cloud: Has<T>,
    K: Kind,
{
    let missing: Vec<_> = ids.iter().copied().filter(|id| view.find::<T, _>(*id).is_none()).collect();
    if !missing.is_empty() {
        return Err(Fault::none_of(&missing).into());
    }
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids.into_iter().filter_map(|id| view.find::<T, _>(id)).collect())
}
