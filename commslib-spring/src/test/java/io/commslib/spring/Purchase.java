package io.commslib.spring;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;

/** An entity that is written in the transaction of a message. */
@Entity
class Purchase {

  @Id private String id;

  protected Purchase() {}

  Purchase(String id) {
    this.id = id;
  }

  String id() {
    return id;
  }
}
