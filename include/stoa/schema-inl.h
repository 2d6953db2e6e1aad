// The templates of schema.h.
#pragma once

#include <stoa/schema.h>

namespace stoa {

template <Component T>
template <auto Member>
FieldModel* TableBuilder<T>::field() {
  static_assert(std::is_same_v<detail::class_of_member<Member>, T>, "stoa: the member is of another struct");
  return detail::find_field(*draft_, table_, field_name<Member>());
}

template <Component T>
template <auto... Members>
requires(sizeof...(Members) > 0) TableBuilder<T>
&TableBuilder<T>::unique() {
  if constexpr (sizeof...(Members) == 1) {
    if (FieldModel* model = (field<Members>(), ...)) model->unique = true;
  } else {
    static_assert((std::is_same_v<detail::class_of_member<Members>, T> && ...),
                  "stoa: the member is of another struct");
    detail::add_unique_together(*draft_, table_, {field_name<Members>()...});
  }
  return *this;
}

template <Component T>
template <auto Member>
TableBuilder<T>& TableBuilder<T>::key() {
  if (FieldModel* model = field<Member>()) model->key = true;
  return *this;
}

template <Component T>
template <auto Member>
TableBuilder<T>& TableBuilder<T>::required() {
  if (FieldModel* model = field<Member>()) model->required = true;
  return *this;
}

template <Component T>
template <auto Member>
TableBuilder<T>& TableBuilder<T>::index() {
  if (FieldModel* model = field<Member>()) model->index = true;
  return *this;
}

template <Component T>
template <auto Member>
TableBuilder<T>& TableBuilder<T>::foreign_key(std::string table, OnDelete on_delete) {
  if (table.empty()) detail::add_mistake(*draft_, table_, field_name<Member>(), "a foreign key names a table");
  return refer<Member>(std::move(table), on_delete);
}

template <Component T>
template <auto Member>
TableBuilder<T>& TableBuilder<T>::reference(OnDelete on_delete) {
  return refer<Member>({}, on_delete);
}

template <Component T>
template <auto Member>
TableBuilder<T>& TableBuilder<T>::refer(std::string table, OnDelete on_delete) {
  static_assert(std::is_same_v<detail::type_of_member<Member>, Entity>, "stoa: only a stoa::Entity can be a reference");
  if (FieldModel* model = field<Member>()) {
    model->reference = Reference{.table = std::move(table), .target = no_table, .on_delete = on_delete};
  }
  return *this;
}

template <Component T>
template <auto Member>
TableBuilder<T>& TableBuilder<T>::default_value(const detail::type_of_member<Member>& value) {
  if (field<Member>() != nullptr) detail::set_default(*draft_, table_, field_name<Member>(), &value);
  return *this;
}

template <Component T>
template <auto Member>
TableBuilder<T>& TableBuilder<T>::range(detail::element_of<detail::type_of_member<Member>> min,
                                        detail::element_of<detail::type_of_member<Member>> max) {
  static_assert(detail::Number<decltype(min)>, "stoa: only numbers have a range");
  if (field<Member>() != nullptr) detail::set_range(*draft_, table_, field_name<Member>(), &min, &max);
  return *this;
}

template <Component T>
TableBuilder<T>& TableBuilder<T>::sparse() {
  if (TableModel* model = detail::find_table(*draft_, table_)) model->storage = Storage::sparse;
  return *this;
}

template <Component T>
TableBuilder<T>& TableBuilder<T>::not_logged() {
  if (TableModel* model = detail::find_table(*draft_, table_)) model->logged = false;
  return *this;
}

template <Component T>
TableBuilder<T>& TableBuilder<T>::not_replicated() {
  if (TableModel* model = detail::find_table(*draft_, table_)) model->replicated = false;
  return *this;
}

}  // namespace stoa
