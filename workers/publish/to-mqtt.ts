/** Events onto an MQTT topic; the last message says how many there were. */
import type { IClientPublishOptions, MqttClient } from 'mqtt'
import { BrokerError, brokerAddress } from '../brokers/address.ts'
import { connectMqtt, type MqttConnection } from '../brokers/mqtt.ts'
import { MQTT_PROPERTIES, type QualityOfService } from '../data/sources/mqtt.ts'
import type { Outlet } from './outlet.ts'

/** Events handed to the client and not yet out, at most. */
const MOST_UNDER_WAY = 512
const KEPT_S = 300

export async function mqttOutlet(to: string, qos: QualityOfService): Promise<Outlet> {
  const { server, path: topic } = brokerAddress(to)
  if (topic === '' || /[#+]/.test(topic))
    throw new BrokerError(`${to}: names no topic to publish to`, `expected ${server}/TOPIC without # and +`)
  return new MqttOutlet(await connectMqtt(server, { keptS: qos === 0 ? 0 : KEPT_S }), topic, qos)
}

class MqttOutlet implements Outlet {
  reconnections = 0
  readonly outOfOrder = 0
  failure: Error | null = null
  private readonly client: MqttClient
  private readonly topic: string
  private readonly qos: QualityOfService
  private underWay = 0
  private done = 0
  private readonly most: number
  private wake: (() => void) | null = null

  constructor({ client, receiveMaximum }: MqttConnection, topic: string, qos: QualityOfService) {
    this.client = client
    this.topic = topic
    this.qos = qos
    this.most = qos === 0 ? MOST_UNDER_WAY : Math.min(MOST_UNDER_WAY, receiveMaximum)
    client.on('connect', () => {
      this.reconnections += 1
    })
  }

  get acknowledged(): number | null {
    return this.qos === 0 ? null : this.done
  }

  get ready(): boolean {
    return this.client.connected && this.underWay < this.most
  }

  send(payload: Uint8Array, sequence: number, intendedMs: number): void {
    this.put(payload, {
      [MQTT_PROPERTIES.sequence]: String(sequence),
      [MQTT_PROPERTIES.intended]: intendedMs.toFixed(3),
    })
  }

  async finish(events: number): Promise<void> {
    await this.drained()
    const { done } = this
    this.put(new Uint8Array(0), { [MQTT_PROPERTIES.end]: String(events) })
    await this.drained()
    // The end is no event.
    this.done = done
  }

  async close(): Promise<void> {
    await this.client.endAsync(this.failure !== null)
  }

  private put(payload: Uint8Array, userProperties: Record<string, string>): void {
    const options: IClientPublishOptions = { qos: this.qos, properties: { userProperties } }
    this.underWay += 1
    this.client.publish(this.topic, Buffer.from(payload), options, (error) => {
      this.underWay -= 1
      if (error) this.failure ??= error
      else this.done += 1
      if (this.underWay === 0 || this.failure !== null) this.wake?.()
    })
  }

  private async drained(): Promise<void> {
    while (this.underWay > 0 && this.failure === null)
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    if (this.failure !== null) throw this.failure
  }
}
