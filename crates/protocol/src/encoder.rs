//! Writes the fields of a message into a [`Frame`]; the reverse of [`Decoder`](crate::Decoder).

use bytes::Bytes;
use uuid::Uuid;

use crate::{EncodeError, ErrorCode, Frame};

/// Appends fields to a frame, with compact lengths (KIP-482) or plain ones.
///
/// [`Decoder`](crate::Decoder) shows both.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut Frame,
    flexible: bool,
}

impl<'a> Encoder<'a> {
    /// Appends to `out`; `flexible` says how lengths are written.
    pub fn new(out: &'a mut Frame, flexible: bool) -> Self {
        Self { out, flexible }
    }

    /// Writes one byte.
    pub fn i8(&mut self, value: i8) {
        self.out.put_i8(value);
    }

    /// Writes 2 bytes.
    pub fn i16(&mut self, value: i16) {
        self.out.put_i16(value);
    }

    /// Writes 4 bytes.
    pub fn i32(&mut self, value: i32) {
        self.out.put_i32(value);
    }

    /// Writes 8 bytes.
    pub fn i64(&mut self, value: i64) {
        self.out.put_i64(value);
    }

    /// Writes one byte, 0 or 1.
    pub fn bool(&mut self, value: bool) {
        self.out.put_i8(value.into());
    }

    /// Writes 16 bytes.
    pub fn uuid(&mut self, value: Uuid) {
        self.out.put_slice(value.as_bytes());
    }

    /// Writes a 2-byte error code.
    pub fn error_code(&mut self, code: ErrorCode) {
        self.out.put_i16(code.0);
    }

    /// Writes a string.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooLarge`] above 32,767 bytes, naming `what`.
    pub fn string(&mut self, what: &'static str, value: &str) -> Result<(), EncodeError> {
        let length = i16::try_from(value.len()).map_err(|_| EncodeError::TooLarge {
            what,
            length: value.len(),
            limit: i16::MAX as usize,
        })?;
        if self.flexible {
            self.compact_length(value.len());
        } else {
            self.out.put_i16(length);
        }
        self.out.put_slice(value.as_bytes());
        Ok(())
    }

    /// Writes a string or null.
    ///
    /// # Errors
    ///
    /// As [`Self::string`].
    pub fn nullable_string(
        &mut self,
        what: &'static str,
        value: Option<&str>,
    ) -> Result<(), EncodeError> {
        match value {
            Some(value) => self.string(what, value)?,
            None if self.flexible => self.out.put_uvarint(0),
            None => self.out.put_i16(-1),
        }
        Ok(())
    }

    /// Writes bytes; long ones by reference.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooLarge`] from 2 GiB on, naming `what`.
    pub fn bytes(&mut self, what: &'static str, value: &Bytes) -> Result<(), EncodeError> {
        self.length(what, value.len())?;
        self.out.put_spliced(value.clone());
        Ok(())
    }

    /// Writes bytes or null; long ones by reference.
    ///
    /// # Errors
    ///
    /// As [`Self::bytes`].
    pub fn nullable_bytes(
        &mut self,
        what: &'static str,
        value: Option<&Bytes>,
    ) -> Result<(), EncodeError> {
        match value {
            Some(value) => self.bytes(what, value)?,
            None => self.null(),
        }
        Ok(())
    }

    /// Writes an array, its elements by `write`.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooLarge`] from 2^31 elements on, naming `what`; what `write` reports.
    pub fn array<T>(
        &mut self,
        what: &'static str,
        elements: &[T],
        mut write: impl FnMut(&mut Self, &T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.length(what, elements.len())?;
        elements.iter().try_for_each(|element| write(self, element))
    }

    /// Writes an array of 4-byte numbers.
    ///
    /// # Errors
    ///
    /// As [`Self::array`].
    pub fn i32s(&mut self, what: &'static str, elements: &[i32]) -> Result<(), EncodeError> {
        self.array(what, elements, |out, element| {
            out.i32(*element);
            Ok(())
        })
    }

    /// Writes null in place of bytes or an array.
    pub fn null(&mut self) {
        if self.flexible {
            self.out.put_uvarint(0);
        } else {
            self.out.put_i32(-1);
        }
    }

    /// Ends a structure that has no tagged fields to send.
    pub fn no_tags(&mut self) {
        if self.flexible {
            self.out.put_uvarint(0);
        }
    }

    /// Ends a structure with its tagged fields; in versions that have none they are left out.
    pub fn tags(&mut self, fields: TaggedFields) {
        if self.flexible {
            self.out.put_uvarint(fields.count);
            self.out.append(fields.body);
        }
    }

    fn length(&mut self, what: &'static str, length: usize) -> Result<(), EncodeError> {
        let limit = i32::MAX as usize;
        let plain = i32::try_from(length).map_err(|_| EncodeError::TooLarge {
            what,
            length,
            limit,
        })?;
        if self.flexible {
            self.compact_length(length);
        } else {
            self.out.put_i32(plain);
        }
        Ok(())
    }

    /// `length` is below 2^31.
    fn compact_length(&mut self, length: usize) {
        self.out.put_uvarint(length as u32 + 1);
    }
}

/// The tagged fields of one structure, collected because their number is written first.
///
/// Allocates nothing while it is empty.
#[derive(Debug, Default)]
pub struct TaggedFields {
    count: u32,
    body: Frame,
}

impl TaggedFields {
    /// Adds a field; tags must be added in ascending order.
    ///
    /// # Errors
    ///
    /// What `write` reports.
    pub fn put(
        &mut self,
        tag: u32,
        write: impl FnOnce(&mut Encoder<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let mut field = Frame::new();
        write(&mut Encoder::new(&mut field, true))?;
        let length = field.len();
        let limit = i32::MAX as usize;
        let prefix = u32::try_from(length).map_err(|_| EncodeError::TooLarge {
            what: "tagged field",
            length,
            limit,
        })?;
        self.count += 1;
        self.body.put_uvarint(tag);
        self.body.put_uvarint(prefix);
        self.body.append(field);
        Ok(())
    }
}
