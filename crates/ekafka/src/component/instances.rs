//! Instances by name: made once, shared, and made again when they were closed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::consumer::Consumer;
use crate::consumer_group::ConsumerGroup;
use crate::error::ComponentError;
use crate::producer::Producer;

/// Something that can be closed.
pub(super) trait Closable {
    fn is_closed(&self) -> bool;
}

/// The instances of one kind.
#[derive(Debug)]
pub(super) struct Instances<T> {
    by_name: Mutex<HashMap<String, Arc<T>>>,
}

impl<T: Closable> Instances<T> {
    /// The instance that is there, or the one that `make` makes. Making neither waits nor calls the application.
    pub(super) fn get(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<T, ComponentError>,
    ) -> Result<Arc<T>, ComponentError> {
        let mut by_name = self.lock();
        if let Some(there) = by_name.get(name).filter(|there| !there.is_closed()) {
            return Ok(Arc::clone(there));
        }
        let made = Arc::new(make()?);
        by_name.insert(name.to_owned(), Arc::clone(&made));
        Ok(made)
    }

    pub(super) fn take_all(&self) -> Vec<Arc<T>> {
        self.lock().drain().map(|(_, instance)| instance).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<T>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Instances<T> {
    fn default() -> Self {
        Self {
            by_name: Mutex::default(),
        }
    }
}

impl Closable for Producer {
    fn is_closed(&self) -> bool {
        self.is_closed()
    }
}

impl Closable for Consumer {
    fn is_closed(&self) -> bool {
        self.is_closed()
    }
}

impl Closable for ConsumerGroup {
    fn is_closed(&self) -> bool {
        self.is_closed()
    }
}
