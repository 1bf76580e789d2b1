package io.commslib.examples.neighbours;

/** The body of an order, as Spring's services have it. */
public record OrderCreated(String eventId, String customerId, long number) {}
