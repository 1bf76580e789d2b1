package io.commslib.kafka;

/** The purpose of a topic for the subscription that reads it. */
enum TopicRole {
  /** Messages of any producer. */
  SOURCE,
  /** Redriven messages. */
  REDRIVE,
  /** Messages that wait for their next attempt. */
  DELAY;

  /**
   * Whether only the library writes to the topic, so that the headers in which it stores the
   * history of a message can be believed.
   */
  boolean isOwn() {
    return this != SOURCE;
  }
}
