//! What partners say of themselves: how to reach them, and their legal data. Both are JSON objects, and changed by others
//! that are merged into them (RFC 7396).

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::invalid::Invalid;
use crate::text;
use crate::user::Email;

/// How to reach a partner, and itself a change of that (RFC 7396).
///
/// Only the keys that were given are written, so each is twice optional: the outer `None` was
/// never given, the inner one was given as null.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, remote = "Self")]
pub struct Contact {
    /// A postal address.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub address: Option<Option<String>>,
    /// An e-mail address.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub email: Option<Option<String>>,
    /// Whatever the partner's own records call it.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub id: Option<Option<String>>,
    /// Telephone numbers, kept as they were written.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub phones: Option<Option<Vec<String>>>,
    /// A web address, with or without a scheme.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub www: Option<Option<String>>,
    /// Whom to ask for.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
}

impl Contact {
    /// The contact, if every value in it is right: at most [`text::SHORT_MAX`] characters each,
    /// an e-mail address with the form of one, telephone numbers of 5 to 20 digits with `+ - ( )`
    /// and spaces.
    ///
    /// # Errors
    /// Where the wrong value stands (`phones[0]`), and why it is wrong.
    pub fn checked(self) -> Result<Self, (String, Invalid)> {
        for (path, value) in [
            ("address", &self.address),
            ("email", &self.email),
            ("id", &self.id),
            ("www", &self.www),
            ("name", &self.name),
        ] {
            if let Some(Some(value)) = value {
                text::check_short(value).map_err(|invalid| (path.to_owned(), invalid))?;
            }
        }
        if let Some(Some(email)) = &self.email {
            email.parse::<Email>().map_err(|invalid| ("email".to_owned(), invalid))?;
        }
        for (index, phone) in self.phones.iter().flatten().flatten().enumerate() {
            check_phone(phone).map_err(|invalid| (format!("phones[{index}]"), invalid))?;
        }
        if self.phones.as_ref().and_then(Option::as_ref).is_some_and(|phones| phones.len() > PHONES_MAX) {
            let invalid = Invalid::out_of_range(format!("must not have more than {PHONES_MAX} numbers"));
            return Err(("phones".to_owned(), invalid));
        }
        Ok(self)
    }

    /// The contact after a change: a given key replaces, null removes it, a list is replaced.
    #[must_use]
    pub fn merge(self, patch: Self) -> Self {
        Self {
            address: merge_key(self.address, patch.address),
            email: merge_key(self.email, patch.email),
            id: merge_key(self.id, patch.id),
            phones: merge_key(self.phones, patch.phones),
            www: merge_key(self.www, patch.www),
            name: merge_key(self.name, patch.name),
        }
    }
}

/// The most phone numbers of a contact.
const PHONES_MAX: usize = 100;

fn check_phone(phone: &str) -> Result<(), Invalid> {
    text::check_short(phone)?;
    let digits = phone.bytes().filter(u8::is_ascii_digit).count();
    let form = |char: char| char.is_ascii_digit() || "+-() ".contains(char);
    if !phone.chars().all(form) || !(5..=20).contains(&digits) {
        return Err(Invalid::malformed(
            "must be a telephone number: 5 to 20 digits, and only + - ( ) and spaces besides",
        ));
    }
    Ok(())
}

fn merge_key<T>(old: Option<Option<T>>, patch: Option<Option<T>>) -> Option<Option<T>> {
    match patch {
        None => old,
        Some(None) => None,
        given => given,
    }
}

/// Reads a key that is there: with a value or as null.
fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Reads null as what is empty.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads and writes JSON objects as serde derives it, but only objects: a derived type would also
/// take a list of its fields' values.
macro_rules! objects {
    (read $($type:ident)+) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Object;

                impl<'de> Visitor<'de> for Object {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<$type, A::Error> {
                        $type::deserialize(MapAccessDeserializer::new(map))
                    }
                }

                deserializer.deserialize_map(Object)
            }
        }
    )+};
    (write $($type:ident)+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $type::serialize(self, serializer)
            }
        }
    )+};
}

objects!(read Contact Legal LegalPatch Bank BankPatch Detail DetailPatch Who WhoPatch);
objects!(write Contact Legal Bank Detail Who);

/// Makes an object whose fields may all be null, and the type of a change of it (RFC 7396), where
/// each field may also be left out.
macro_rules! nullable {
    ($(
        $(#[$doc:meta])*
        $name:ident, $patch:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(default, remote = "Self")]
        pub struct $name { $($(#[$field_doc])* pub $field: Option<$type>,)+ }

        #[doc = concat!("A change of [`", stringify!($name), "`]: a field that is null is cleared, one that is left out stays.")]
        #[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
        #[serde(default, remote = "Self")]
        pub struct $patch {
            $($(#[$field_doc])* #[serde(deserialize_with = "given")] pub $field: Option<Option<$type>>,)+
        }

        impl $name {
            fn merge(self, patch: $patch) -> Self {
                Self { $($field: patch.$field.unwrap_or(self.$field),)+ }
            }

            fn check(&self) -> Result<(), (&'static str, Invalid)> {
                $(if let Some(value) = &self.$field {
                    value.check().map_err(|invalid| (field_name(stringify!($field)), invalid))?;
                })+
                Ok(())
            }
        }
    )+};
}

nullable! {
    /// A bank account.
    Bank, BankPatch {
        /// The bank's code.
        bik: String,
        /// The correspondent account.
        ks: String,
        /// The bank's name.
        name: String,
        /// The account.
        rs: String,
    }

    /// How an organization is registered.
    Detail, DetailPatch {
        /// The registered address.
        address: String,
        /// The taxpayer's number.
        inn: String,
        /// The code of the reason for registration.
        kpp: String,
        /// The registration number of an organization.
        ogrn: String,
        /// The registration number of a sole proprietor.
        ogrnip: String,
        /// The registered name.
        name: String,
        /// Whether it pays value added tax.
        nds: bool,
        /// The system of taxation.
        taxes: String,
        /// The kind of organization.
        r#type: String,
    }

    /// Who signs for an organization.
    Who, WhoPatch {
        /// The person's name.
        name: String,
        /// The person's position.
        position: String,
        /// What the person's power rests on.
        reason: String,
    }
}

fn field_name(identifier: &'static str) -> &'static str {
    identifier.strip_prefix("r#").unwrap_or(identifier)
}

/// What a field of legal data may hold.
trait Check {
    fn check(&self) -> Result<(), Invalid>;
}

impl Check for String {
    fn check(&self) -> Result<(), Invalid> {
        text::check_short(self)
    }
}

impl Check for bool {
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
}

/// A partner's legal data; always written whole, null where there is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, remote = "Self")]
pub struct Legal {
    /// The kind of partner, as the partner's papers call it.
    pub r#type: Option<String>,
    /// Its bank account.
    #[serde(deserialize_with = "null_is_empty")]
    pub bank: Bank,
    /// How it is registered.
    #[serde(deserialize_with = "null_is_empty")]
    pub detail: Detail,
    /// Who signs for it.
    #[serde(deserialize_with = "null_is_empty")]
    pub who: Who,
}

/// A change of [`Legal`]: what is null is cleared, what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, remote = "Self")]
pub struct LegalPatch {
    /// The kind of partner.
    #[serde(deserialize_with = "given")]
    pub r#type: Option<Option<String>>,
    /// Its bank account.
    #[serde(deserialize_with = "given")]
    pub bank: Option<Option<BankPatch>>,
    /// How it is registered.
    #[serde(deserialize_with = "given")]
    pub detail: Option<Option<DetailPatch>>,
    /// Who signs for it.
    #[serde(deserialize_with = "given")]
    pub who: Option<Option<WhoPatch>>,
}

impl Legal {
    /// The legal data, if every text in it has at most [`text::SHORT_MAX`] characters.
    ///
    /// # Errors
    /// Where the wrong value stands (`bank.bik`), and why it is wrong.
    pub fn checked(self) -> Result<Self, (String, Invalid)> {
        if let Some(value) = &self.r#type {
            value.check().map_err(|invalid| ("type".to_owned(), invalid))?;
        }
        for (part, result) in [("bank", self.bank.check()), ("detail", self.detail.check()), ("who", self.who.check())]
        {
            result.map_err(|(field, invalid)| (format!("{part}.{field}"), invalid))?;
        }
        Ok(self)
    }

    /// The legal data after a change (RFC 7396).
    #[must_use]
    pub fn merge(self, patch: LegalPatch) -> Self {
        Self {
            r#type: patch.r#type.unwrap_or(self.r#type),
            bank: merge_part(self.bank, patch.bank, Bank::merge),
            detail: merge_part(self.detail, patch.detail, Detail::merge),
            who: merge_part(self.who, patch.who, Who::merge),
        }
    }
}

fn merge_part<T: Default, P>(old: T, patch: Option<Option<P>>, merge: fn(T, P) -> T) -> T {
    match patch {
        None => old,
        Some(None) => T::default(),
        Some(Some(patch)) => merge(old, patch),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn contact(value: Value) -> Contact {
        serde_json::from_value(value).unwrap()
    }

    fn written(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn a_contact_has_only_the_keys_that_were_given() {
        let seed = r#"{"address":"г.Москва, ул. Берсеневский переулок, 2с1","email":"info@nanobilet.ru","id":null,"phones":["+79101002030"],"www":"http://nanobilet.ru"}"#;
        let read: Contact = serde_json::from_str(seed).unwrap();
        assert_eq!(read.id, Some(None));
        assert_eq!(read.name, None);
        assert_eq!(written(&read.checked().unwrap()), seed);
        assert_eq!(written(&Contact::default()), "{}");
        assert_eq!(contact(json!({})), Contact::default());
    }

    #[test]
    fn the_keys_of_a_contact_are_written_in_one_order() {
        let all = contact(json!({
            "name": "n", "www": "w", "phones": [], "id": "i", "email": "e@e.ee", "address": "a",
        }));
        assert_eq!(written(&all), r#"{"address":"a","email":"e@e.ee","id":"i","phones":[],"www":"w","name":"n"}"#);
    }

    #[test]
    fn contact_and_legal_data_are_objects_of_texts() {
        for value in [json!([]), json!(["a"]), json!("a"), json!({"email": 1}), json!({"phones": "1"})] {
            assert!(serde_json::from_value::<Contact>(value).is_err());
        }
        for value in [json!([]), json!({"bank": ["a"]}), json!({"detail": {"nds": "yes"}})] {
            assert!(serde_json::from_value::<Legal>(value.clone()).is_err());
            assert!(serde_json::from_value::<LegalPatch>(value).is_err());
        }
    }

    #[test]
    fn a_wrong_value_in_a_contact_is_named() {
        let long = "x".repeat(1_001);
        for (value, path, code) in [
            (json!({"email": "nobody"}), "email", "malformed"),
            (json!({"email": ""}), "email", "malformed"),
            (json!({"address": long}), "address", "too_long"),
            (json!({"id": long}), "id", "too_long"),
            (json!({"www": long}), "www", "too_long"),
            (json!({"name": "a\0"}), "name", "malformed"),
            (json!({"phones": ["12345", "1234"]}), "phones[1]", "malformed"),
        ] {
            let (wrong, invalid) = contact(value).checked().unwrap_err();
            assert_eq!((wrong.as_str(), invalid.code), (path, code));
        }
        for value in [json!({"email": null, "phones": null}), json!({"www": "nanobilet.ru"})] {
            assert!(contact(value).checked().is_ok());
        }
    }

    #[test]
    fn a_telephone_number_has_5_to_20_digits_and_is_kept_as_written() {
        for phone in ["12345", "+7 (910) 100-20-30", "12345678901234567890"] {
            let given = contact(json!({"phones": [phone]}));
            assert_eq!(given.clone().checked(), Ok(given));
        }
        for phone in ["", "1234", "123456789012345678901", "12345x", "+7.910.1002030", "１２３４５", "12345\n"] {
            let (path, _) = contact(json!({"phones": [phone]})).checked().unwrap_err();
            assert_eq!(path, "phones[0]", "{phone}");
        }
    }

    #[test]
    fn a_change_of_a_contact_replaces_what_is_given_and_removes_what_is_null() {
        let old = contact(json!({"address": "a", "id": null, "phones": ["12345", "23456"]}));
        for (patch, new) in [
            (json!({}), json!({"address": "a", "id": null, "phones": ["12345", "23456"]})),
            (json!({"address": "b"}), json!({"address": "b", "id": null, "phones": ["12345", "23456"]})),
            (json!({"address": null, "id": null}), json!({"phones": ["12345", "23456"]})),
            (json!({"phones": ["34567"], "id": "1"}), json!({"address": "a", "id": "1", "phones": ["34567"]})),
            (json!({"www": null}), json!({"address": "a", "id": null, "phones": ["12345", "23456"]})),
        ] {
            assert_eq!(old.clone().merge(contact(patch)), contact(new));
        }
    }

    #[test]
    fn legal_data_are_written_whole() {
        assert_eq!(
            written(&Legal::default()),
            concat!(
                r#"{"type":null,"bank":{"bik":null,"ks":null,"name":null,"rs":null},"#,
                r#""detail":{"address":null,"inn":null,"kpp":null,"ogrn":null,"ogrnip":null,"#,
                r#""name":null,"nds":null,"taxes":null,"type":null},"#,
                r#""who":{"name":null,"position":null,"reason":null}}"#
            )
        );
        let read: Legal = serde_json::from_value(json!({"bank": null, "detail": {"nds": true}})).unwrap();
        assert_eq!(read.detail.nds, Some(true));
        assert_eq!(read.bank, Bank::default());
        assert_eq!(serde_json::from_str::<Legal>(&written(&read)).unwrap(), read);
    }

    #[test]
    fn a_change_of_legal_data_replaces_what_is_given_and_clears_what_is_null() {
        let old = json!({"type": "ooo", "bank": {"bik": "1", "rs": "2"}, "who": {"name": "N"}});
        for (patch, new) in [
            (json!({}), old.clone()),
            (json!({"type": null}), json!({"bank": {"bik": "1", "rs": "2"}, "who": {"name": "N"}})),
            (
                json!({"bank": {"bik": null, "ks": "3"}}),
                json!({"type": "ooo", "bank": {"ks": "3", "rs": "2"}, "who": {"name": "N"}}),
            ),
            (json!({"who": null, "bank": null}), json!({"type": "ooo"})),
            (
                json!({"detail": {"nds": false}}),
                json!({"type": "ooo", "bank": {"bik": "1", "rs": "2"}, "who": {"name": "N"}, "detail": {"nds": false}}),
            ),
        ] {
            let old: Legal = serde_json::from_value(old.clone()).unwrap();
            let patch: LegalPatch = serde_json::from_value(patch).unwrap();
            assert_eq!(old.merge(patch), serde_json::from_value(new).unwrap());
        }
    }

    #[test]
    fn a_wrong_value_in_legal_data_is_named() {
        let long = "x".repeat(1_001);
        for (value, path) in [
            (json!({"type": long}), "type"),
            (json!({"bank": {"bik": long}}), "bank.bik"),
            (json!({"detail": {"type": long}}), "detail.type"),
            (json!({"who": {"reason": "\0"}}), "who.reason"),
        ] {
            let legal: Legal = serde_json::from_value(value).unwrap();
            assert_eq!(legal.checked().unwrap_err().0, path);
        }
    }

    fn any_key() -> impl Strategy<Value = Option<Option<String>>> {
        prop::option::of(prop::option::of("[a-z]{0,3}"))
    }

    fn any_contact() -> impl Strategy<Value = Contact> {
        let phones = prop::option::of(prop::option::of(prop::collection::vec("[0-9]{5}", 0..3)));
        (any_key(), any_key(), any_key(), phones, any_key(), any_key())
            .prop_map(|(address, email, id, phones, www, name)| Contact { address, email, id, phones, www, name })
    }

    proptest! {
        #[test]
        fn a_contact_that_is_written_is_read_again(contact in any_contact()) {
            prop_assert_eq!(serde_json::from_str::<Contact>(&written(&contact)).unwrap(), contact);
        }

        #[test]
        fn a_change_of_a_contact_is_the_merge_of_rfc_7396(old in any_contact(), patch in any_contact()) {
            let mut expected = serde_json::to_value(&old).unwrap();
            for (key, value) in serde_json::to_value(&patch).unwrap().as_object().unwrap() {
                let object = expected.as_object_mut().unwrap();
                if value.is_null() {
                    object.remove(key);
                } else {
                    object.insert(key.clone(), value.clone());
                }
            }
            prop_assert_eq!(serde_json::to_value(old.merge(patch)).unwrap(), expected);
        }
    }
}
